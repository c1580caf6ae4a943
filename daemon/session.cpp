// SPDX-License-Identifier: MIT
#include "daemon/session.hpp"

#include "daemon/handlers.hpp"
#include "daemon/log_levels.hpp"
#include "daemon/request.hpp"
#include "io/sleep.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/rpc_params.hpp"

#include <string>
#include <utility>

namespace mcpwire::daemon {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

namespace {

/// How long the daemon's end waits for a client that does not take its answers.
constexpr std::uint64_t kFlushNs = 500 * kNanosecondsPerMillisecond;

}  // namespace

Session::Session(std::unique_ptr<FrameChannel> channel, Owner& owner)
    : owner_(owner), channel_(std::move(channel)) {
  static_assert(sizeof(Session) <= 72);  // Of which idle clients consist, beside their channels.
}

void Session::start() {
  ++services().counters.connections;
  ++services().counters.clients;
  channel_->start(*this);
}

/// Posted, because nobody who tells of the end may be destroyed while he does.
void Session::begin_closing() {
  if (is_closing()) return;
  services().loop.post(ensure_activity().closing.emplace(*this));
}

io::task<Result<void>> Session::end() {
  // What stop() gave up is still answered.
  if (is_closed()) channel_->close();
  const Result<void> joined = co_await activity_->scope.join();
  MCPWIRE_CHECK(joined.has_value());  // handlers answer failures, they do not return them
  if (services().log_levels != nullptr) services().log_levels->forget(this);
  co_await flush();
  channel_->close();
  --services().counters.clients;
  co_return Result<void>{};
}

io::task<void> Session::flush() {
  if (is_closed() || !channel_->has_unsent()) co_return;
  io::CancelScope patience;
  io::DeadlineTimer timer(services().loop, patience);
  timer.set(services().loop.now_ns() + kFlushNs);
  io::OneShot<void> all_sent(services().loop);
  activity_->closing->all_sent = &all_sent;
  [[maybe_unused]] const Result<void> waited = co_await all_sent.wait(patience);
  activity_->closing->all_sent = nullptr;
}

void Session::on_all_sent() {
  if (activity_ == nullptr) return;
  if (!activity_->closing) {
    activity_->requests.for_each([](Request& request) { request.on_room(); });
  } else if (activity_->closing->all_sent != nullptr) {
    activity_->closing->all_sent->resolve({});
  }
}

Result<void> Session::send_event(Method method, std::uint64_t correlation,
                                 std::string_view payload) {
  if (is_closed()) return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  return channel_->send(protocol::make_header(FrameKind::kEvent, method), correlation,
                        as_bytes(payload), {});
}

void Session::stop() {
  if (is_closing()) return;
  is_stopping_ = true;
  cancel_requests(io::CancelCause::kShutdown);
  begin_closing();
}

ConfigurationPointer Session::try_configuration() {
  if (configuration_ == nullptr) return nullptr;
  return services().configurations.try_current(configuration_->key, configuration_->version);
}

io::task<Result<ConfigurationPointer>> Session::configuration(io::CancelScope& scope) {
  if (configuration_ == nullptr) {
    co_return fail(ErrorKind::kConfiguration, ErrorCode::kConfigMissing,
                   "this connection names no configuration");
  }
  ConfigurationPointer current = try_configuration();
  if (current != nullptr) co_return current;
  Result<ConfigurationPointer> loaded =
      co_await services().configurations.load(configuration_->key, scope);
  // What was read is newer than what the client saw, or the same.
  if (loaded.has_value() && configuration_->version != (*loaded)->identity) {
    configuration_ = services().configurations.share({configuration_->key, (*loaded)->identity});
  }
  co_return std::move(loaded);
}

void Session::on_frame(const protocol::FrameHeader& header, ByteSpan payload) {
  // The channel may still hold frames of a client that is being closed.
  if (is_closing()) return;
  const auto method = static_cast<Method>(header.request.method);
  const FrameKind kind = protocol::kind_of(header.request.flags);
  if (kind == FrameKind::kEvent && method == Method::kCancel) return on_cancel(payload);
  if (kind == FrameKind::kRequest && method == Method::kHello) return on_hello(payload);
  const bool is_message = method == Method::kRequest || method == Method::kServerAnswer;
  if (is_message && !has(protocol::feature::kMessages)) return violation("nobody agreed to that");
  if (kind == FrameKind::kEvent && method == Method::kServerAnswer) {
    return on_server_answer(payload);
  }
  if (kind == FrameKind::kRequest) return on_request(header, payload);
  violation("a frame that only the daemon may send");
}

void Session::on_hello(ByteSpan payload) {
  const protocol::PayloadReader reader(payload);
  const auto hello = reader.fixed<protocol::HelloRequest>();
  if (!hello.has_value()) return violation("malformed hello");
  features_ = static_cast<std::uint32_t>((hello->features_required | hello->features_optional) &
                                         protocol::feature::kSupported);
  if (hello->config_origin == protocol::ConfigOrigin::kNone) return;
  const auto path = reader.text(hello->config_path);
  const auto directory = reader.text(hello->working_directory);
  const auto environment = reader.text(hello->environment);
  if (!path.has_value() || !directory.has_value() || !environment.has_value() ||
      !path->starts_with('/') || !directory->starts_with('/') ||
      hello->config_origin > protocol::ConfigOrigin::kDiscovered) {
    return violation("malformed configuration in hello");
  }
  configuration_ = services().configurations.share(
      {{std::string(*path), hello->config_origin, std::string(*directory),
        std::string(*environment)},
       {hello->config_device, hello->config_inode, hello->config_bytes, hello->config_modified_ns,
        hello->config_changed_ns}});
}

void Session::on_request(const protocol::FrameHeader& header, ByteSpan payload) {
  if (header.correlation == 0 || header.correlation > protocol::kCorrelationMax) {
    return violation("correlation id out of range");
  }
  const auto method = static_cast<Method>(header.request.method);
  if (method == Method::kPing) return answer_ping(header, payload);
  // Our own clients never have more in flight than there are call words; another one could make
  // us keep its requests without end.
  io::Scope& scope = ensure_activity().scope;
  if (scope.running() >= protocol::kCallWindow || !has_room_for(payload.size())) {
    return answer_overloaded(header);
  }
  switch (method) {
    case Method::kListServers:
      return scope.spawn(serve_list_servers(*this, header.correlation));
    case Method::kListTools:
      return scope.spawn(
          serve_list_tools(*this, header.correlation, std::string(as_text(payload))));
    case Method::kCallTool:
      return scope.spawn(serve_call_tool(*this, header.correlation, take_payload(payload)));
    case Method::kRequest:
      return scope.spawn(serve_request(*this, header.correlation, take_payload(payload)));
    case Method::kStatus:
      return scope.spawn(serve_status(*this, header.correlation));
    case Method::kShutdown:
      return scope.spawn(serve_shutdown(*this, header.correlation));
    default:
      return violation("a request of a method that is none");
  }
}

RequestPayload Session::take_payload(ByteSpan payload) {
  std::shared_ptr<const void> owner;
  if (payload.size() > RequestPayload::kSmallBytesMax) owner = channel_->keep_payload();
  if (owner != nullptr) return {as_text(payload), std::move(owner)};
  return RequestPayload(copy_text(as_text(payload)));
}

Session::Activity& Session::ensure_activity() {
  if (activity_ == nullptr) activity_ = std::make_unique<Activity>(services().loop);
  return *activity_;
}

void Session::cancel_requests(io::CancelCause cause) {
  if (activity_ != nullptr) activity_->scope.cancel_scope().cancel(cause);
}

/// A request that is answered may still have something to do.
void Session::on_rest() {
  const bool is_idle = activity_ != nullptr && activity_->scope.running() == 0;
  if (is_idle && !activity_->closing) activity_.reset();
}

bool Session::has_room_for(std::size_t payload_bytes) const noexcept {
  return activity_->bytes == 0 || activity_->bytes + payload_bytes <= kRequestBytesMax;
}

void Session::answer_ping(const protocol::FrameHeader& header, ByteSpan payload) {
  // A client that cannot take the answer is closed by its channel; nothing else is to be done.
  [[maybe_unused]] const Result<void> sent =
      channel_->send(protocol::make_header(FrameKind::kResponse, Method::kPing, Outcome::kOk),
                     header.correlation, payload, {});
}

void Session::answer_overloaded(const protocol::FrameHeader& header) {
  const std::string body =
      protocol::build_error_body(Error::of(ErrorKind::kOverloaded, ErrorCode::kQueueFull), false);
  const auto method = static_cast<Method>(header.request.method);
  const Result<void> sent =
      channel_->send(protocol::make_header(FrameKind::kError, method, Outcome::kRejected),
                     header.correlation, as_bytes(body), {});
  if (!sent.has_value()) give_up();
}

void Session::on_cancel(ByteSpan payload) {
  const auto event = protocol::PayloadReader(payload).fixed<protocol::CancelEvent>();
  if (!event.has_value()) return violation("malformed cancel");
  Request* const wanted = find_request(event->correlation);
  // Not found: it was answered already, and the answer is on its way.
  if (wanted != nullptr) wanted->scope().cancel(io::CancelCause::kCaller);
}

void Session::on_server_answer(ByteSpan payload) {
  const protocol::PayloadReader reader(payload);
  const auto event = reader.fixed<protocol::ServerAnswerEvent>();
  if (!event.has_value()) return violation("malformed answer to a server");
  const auto result = reader.text(event->result);
  if (!result.has_value() || event->kind > protocol::ServerAnswerKind::kFailed) {
    return violation("malformed answer to a server");
  }
  // Not found: the request ended meanwhile, and the question was refused with it.
  Request* const wanted = find_request(event->correlation);
  if (wanted != nullptr) wanted->on_server_answer(*event, *result);
}

Request* Session::find_request(std::uint64_t correlation) {
  Request* wanted = nullptr;
  if (activity_ == nullptr) return wanted;
  activity_->requests.for_each([&](Request& request) {
    if (request.correlation() == correlation) wanted = &request;
  });
  return wanted;
}

void Session::violation(const char* what) {
  ++services().counters.violations;
  services().log.warn("client " + std::to_string(channel_->peer_process_id()) +
                      " broke the protocol: " + what);
  give_up();
}

void Session::on_channel_closed(const Error&) {
  // A channel that closed because of a violation has been counted by its host.
  give_up();
}

void Session::give_up() {
  is_stopping_ = false;
  cancel_requests(io::CancelCause::kPeerGone);
  begin_closing();
  on_all_sent();  // There is nobody to wait for.
}

}  // namespace mcpwire::daemon
