// SPDX-License-Identifier: MIT
#include "tests/client/scripted_daemon.hpp"

#include "io/fd_watcher.hpp"
#include "io/seqpacket_listener.hpp"
#include "protocol/base/check.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/rpc_params.hpp"
#include "tests/io/chosen_loop.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::test_support {

using protocol::CallState;
using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

TemporaryRuntimeDirectory::TemporaryRuntimeDirectory() {
  std::array<char, 32> name = {"/tmp/mcpwire-test-XXXXXX"};
  MCPWIRE_CHECK(::mkdtemp(name.data()) != nullptr);
  path_ = name.data();
}

TemporaryRuntimeDirectory::~TemporaryRuntimeDirectory() {
  for (const char* file : {"/daemon.sock", "/daemon.lock", "/start.lock", "/daemon.log"}) {
    ::unlink((path_ + file).c_str());
  }
  ::rmdir(path_.c_str());
}

/// One client. Its end is left to the server, which outlives it.
class ScriptedSession final : public FrameChannel::Receiver {
 public:
  ScriptedSession(ScriptedDaemon& daemon, std::unique_ptr<FrameChannel> channel)
      : daemon_(daemon), channel_(std::move(channel)) {
    channel_->start(*this);
  }

  FrameChannel& channel() noexcept { return *channel_; }
  bool has_ended() const noexcept { return has_ended_; }

 private:
  void on_frame(const protocol::FrameHeader& header, ByteSpan payload) override {
    switch (static_cast<Method>(header.request.method)) {
      case Method::kHello:
        return;
      case Method::kCallTool:
        daemon_.calls_.fetch_add(1, std::memory_order_relaxed);
        daemon_.calls_.notify_all();
        return call(header.correlation, payload);
      case Method::kRequest:
        return request(header, payload);
      case Method::kServerAnswer:
        return take_word(payload);
      case Method::kCancel:
        return cancel(payload);
      case Method::kListServers:
        return list_servers(header.correlation);
      case Method::kListTools:
        return list_tools(header.correlation);
      case Method::kPing:
        daemon_.pings_.fetch_add(1, std::memory_order_relaxed);
        return answer(header, Outcome::kOk, {});
      case Method::kStatus:
        return status(header.correlation);
      default:
        return answer(header, Outcome::kOk, {});
    }
  }

  void on_channel_closed(const Error&) override { has_ended_ = true; }

  void answer(const protocol::FrameHeader& header, Outcome outcome, std::string_view body) {
    send(static_cast<Method>(header.request.method), header.correlation, outcome, body);
  }

  void send(Method method, std::uint64_t correlation, Outcome outcome, std::string_view body) {
    static_cast<void>(channel_->send(protocol::make_header(FrameKind::kResponse, method, outcome),
                                     correlation, as_bytes(body), {}));
  }

  void finish(std::uint64_t correlation, Outcome outcome, std::string_view body) {
    send(Method::kCallTool, correlation, outcome, body);
  }

  void finish(std::uint64_t correlation, Outcome outcome, const Error& error, bool sent) {
    finish(correlation, outcome, protocol::build_error_body(error, sent));
  }

  /// "ask" answers with what the client says to a question, "tell" tells something first; every
  /// other method gives back what came.
  void request(const protocol::FrameHeader& header, ByteSpan payload) {
    const protocol::PayloadReader reader(payload);
    const auto fixed = reader.fixed<protocol::RpcRequest>();
    MCPWIRE_CHECK(fixed.has_value());
    const std::string_view method = *reader.text(fixed->method);
    const std::string_view params = *reader.text(fixed->params);
    channel_->publish_call_state(header.correlation, CallState::kClaimed);
    MCPWIRE_CHECK(channel_->begin_sending(header.correlation));
    if (method == "die") return channel_->close();
    if (method == "ask") {
      protocol::PayloadBuilder<protocol::ServerRequestEvent> event;
      event.fixed.correlation = header.correlation;
      event.fixed.key = 5;
      event.fixed.method = event.add("elicitation/create");
      event.fixed.params = event.add(params);
      return tell(Method::kServerRequest, header.correlation, event.take());
    }
    if (method == "tell") {
      protocol::PayloadBuilder<protocol::NotificationEvent> event;
      event.fixed.correlation = header.correlation;
      event.fixed.server = event.add("demo");
      event.fixed.method = event.add("notifications/message");
      event.fixed.params = event.add(params);
      tell(Method::kNotification, header.correlation, event.take());
    }
    std::string back(*reader.text(fixed->server));
    back.append(" ").append(method).append(" ").append(params).append(" ");
    back.append(*reader.text(fixed->meta)).append(" ");
    back.append(std::to_string(fixed->abilities)).append(" ");
    back.append(std::to_string(static_cast<int>(fixed->pages)));
    answer(header, Outcome::kOk, back);
  }

  void tell(Method method, std::uint64_t correlation, std::string_view payload) {
    static_cast<void>(channel_->send(protocol::make_header(FrameKind::kEvent, method), correlation,
                                     as_bytes(payload), {}));
  }

  void take_word(ByteSpan payload) {
    const protocol::PayloadReader reader(payload);
    const auto event = reader.fixed<protocol::ServerAnswerEvent>();
    MCPWIRE_CHECK(event.has_value() && event->key == 5);
    const int kind = static_cast<int>(event->kind);
    send(Method::kRequest, event->correlation, Outcome::kOk,
         std::to_string(kind) + " " + std::string(*reader.text(event->result)));
  }

  void call(std::uint64_t correlation, ByteSpan payload) {
    const protocol::PayloadReader reader(payload);
    constexpr std::size_t kRequired = offsetof(protocol::CallToolRequest, abilities);
    const auto request = reader.fixed<protocol::CallToolRequest, kRequired>();
    MCPWIRE_CHECK(request.has_value());
    const std::string_view tool = *reader.text(request->tool);
    const std::string_view arguments = *reader.text(request->arguments);
    if (tool.starts_with("claim")) channel_->publish_call_state(correlation, CallState::kClaimed);
    if (tool.starts_with("send")) MCPWIRE_CHECK(channel_->begin_sending(correlation));
    if (tool.ends_with("die")) return channel_->close();
    if (tool.ends_with("die once") && daemon_.connections() == 1) return channel_->close();
    if (tool.ends_with("silent")) return;
    if (tool.ends_with("hold")) return held_.push_back(correlation);
    if (tool == "break the protocol") return break_protocol();
    if (tool == "freeze") daemon_.freeze();
    if (tool.ends_with("wait")) return waiting_.push_back({correlation, tool.starts_with("send")});
    if (tool == "late answer") return late_.push_back(correlation);
    if (!late_.empty()) finish(std::exchange(late_, {}).front(), Outcome::kOk, "\"late\"");
    if (tool == "ending once" && daemon_.connections() == 1) {
      // As a daemon that ends: it refuses, and goes away some time later.
      finish(correlation, Outcome::kNotSent,
             Error::of(ErrorKind::kOverloaded, ErrorCode::kShuttingDown), false);
      return channel_->close();
    }
    if (tool == "peer error") return finish(correlation, Outcome::kPeerError, arguments);
    if (tool == "rejected") {
      return finish(correlation, Outcome::kRejected,
                    Error::with_detail(ErrorKind::kNotFound, ErrorCode::kUnknownTool, "no tool"),
                    false);
    }
    if (tool == "big") {
      return finish(correlation, Outcome::kOk,
                    std::string(std::strtoull(std::string(arguments).c_str(), nullptr, 10), 'x'));
    }
    if (tool == "progress") send_progress(correlation, arguments);
    finish(correlation, Outcome::kOk, arguments);
  }

  /// A message inside another one. What the client does about it happens while we stand still.
  void break_protocol() {
    protocol::RequestHeader header = protocol::make_header(FrameKind::kEvent, Method::kProgress);
    static_cast<void>(channel_->send(header, 2, as_bytes("whole"), {}));
    header.flags |= protocol::flag::kMore;
    static_cast<void>(channel_->send(header, 3, as_bytes("begun"), {}));
    header.flags &= ~protocol::flag::kMore;
    static_cast<void>(channel_->send(header, 4, as_bytes("whole"), {}));
    daemon_.freeze();
    for (const std::uint64_t correlation : std::exchange(held_, {})) {
      if (channel_->begin_sending(correlation)) daemon_.begun_.fetch_add(1);
    }
  }

  void send_progress(std::uint64_t correlation, std::string_view params) {
    protocol::PayloadBuilder<protocol::ProgressEvent> builder;
    builder.fixed.params = builder.add(params);
    const std::string payload = builder.take();
    static_cast<void>(channel_->send(protocol::make_header(FrameKind::kEvent, Method::kProgress),
                                     correlation, as_bytes(payload), {}));
  }

  void cancel(ByteSpan payload) {
    daemon_.cancels_.fetch_add(1, std::memory_order_relaxed);
    const auto event = protocol::PayloadReader(payload).fixed<protocol::CancelEvent>();
    MCPWIRE_CHECK(event.has_value());
    for (const Waiting& call : std::exchange(waiting_, {})) {
      if (call.correlation != event->correlation) {
        waiting_.push_back(call);
        continue;
      }
      finish(call.correlation, Outcome::kCancelled,
             Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller), call.was_sent);
    }
  }

  void list_servers(std::uint64_t correlation) {
    protocol::PayloadBuilder<protocol::ListServersReply> builder;
    std::vector<protocol::ServerEntry> entries(2);
    entries[0] = {builder.add("one"), builder.add("fine"), protocol::ServerState::kReady, 17, 3};
    entries[1] = {builder.add("two"), builder.add("broken"), protocol::ServerState::kFailed, 0, 0};
    builder.fixed.entry_bytes = sizeof(protocol::ServerEntry);
    builder.fixed.entries = builder.add_array(entries);
    send(Method::kListServers, correlation, Outcome::kOk, builder.take());
  }

  void list_tools(std::uint64_t correlation) {
    protocol::PayloadBuilder<protocol::ListToolsReply> builder;
    const std::vector<protocol::ToolsEntry> successes = {
        {builder.add("one"), builder.add("[{\"name\":\"echo\"}]"), 5}};
    const std::vector<protocol::FailureEntry> failures = {
        {builder.add("two"), builder.add("it is broken"),
         static_cast<std::uint32_t>(ErrorKind::kDisconnected),
         static_cast<std::uint32_t>(ErrorCode::kServerExited), 6}};
    builder.fixed.success_bytes = sizeof(protocol::ToolsEntry);
    builder.fixed.failure_bytes = sizeof(protocol::FailureEntry);
    builder.fixed.successes = builder.add_array(successes);
    builder.fixed.failures = builder.add_array(failures);
    send(Method::kListTools, correlation, Outcome::kOk, builder.take());
  }

  void status(std::uint64_t correlation) {
    protocol::PayloadBuilder<protocol::StatusReply> builder;
    builder.fixed.daemon_pid = 4711;
    builder.fixed.clients = 1;
    builder.fixed.daemon_version = builder.add("scripted");
    send(Method::kStatus, correlation, Outcome::kOk, builder.take());
  }

  struct Waiting {
    std::uint64_t correlation;
    bool was_sent;
  };

  ScriptedDaemon& daemon_;
  std::unique_ptr<FrameChannel> channel_;
  std::vector<Waiting> waiting_;
  std::vector<std::uint64_t> late_;
  std::vector<std::uint64_t> held_;
  bool has_ended_ = false;
};

class ScriptedDaemon::Server final : private io::SeqpacketListener::Observer,
                                     private io::FdWatcher::Observer,
                                     private io::TurnObserver {
 public:
  Server(ScriptedDaemon& daemon, io::Loop& loop, UniqueFd socket, io::ChannelHostOptions options)
      : daemon_(daemon),
        loop_(loop),
        host_(loop, std::move(options)),
        listener_(loop, std::move(socket), *this),
        stop_(loop, daemon.stop_fd_.get(), *this) {
    listener_.start();
    stop_.start(io::WatchMode::kOnce);
    loop_.set_turn_observer(this);
  }

 private:
  void on_connection(UniqueFd socket) override {
    if (daemon_.resets_left_.fetch_sub(1, std::memory_order_relaxed) > 0) return;
    daemon_.connections_.fetch_add(1, std::memory_order_relaxed);
    auto channel = io::ClientChannel::create(host_, std::move(socket));
    if (!channel) return;
    sessions_.push_back(std::make_unique<ScriptedSession>(daemon_, std::move(*channel)));
  }
  void on_listener_failed(const Error&) override { loop_.stop(); }
  void on_ready(unsigned) override { loop_.stop(); }
  void on_turn(std::uint64_t) override {
    std::erase_if(sessions_, [](const auto& session) { return session->has_ended(); });
    const int rings = static_cast<int>(host_.channels_with_rings());
    if (daemon_.rings_.exchange(rings, std::memory_order_relaxed) != rings) {
      daemon_.rings_.notify_all();
    }
  }

  ScriptedDaemon& daemon_;
  io::Loop& loop_;
  io::ChannelHost host_;
  io::SeqpacketListener listener_;
  io::FdWatcher stop_;
  std::vector<std::unique_ptr<ScriptedSession>> sessions_;
};

ScriptedDaemon::ScriptedDaemon(const std::string& runtime_directory, io::ChannelHostOptions options)
    : stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
  options.daemon_instance = 99;
  options.daemon_version = "scripted";
  options.daemon_pid = ::getpid();
  thread_ = std::thread([this, runtime_directory, options] { run(runtime_directory, options); });
  is_listening_.wait(false, std::memory_order_acquire);
}

ScriptedDaemon::~ScriptedDaemon() {
  thaw();
  const std::uint64_t one = 1;
  MCPWIRE_CHECK(::write(stop_fd_.get(), &one, sizeof one) == sizeof one);
  thread_.join();
}

void ScriptedDaemon::run(const std::string& runtime_directory,
                         const io::ChannelHostOptions& options) {
  auto loop = io::create_chosen_loop();
  MCPWIRE_CHECK(loop.has_value());
  auto socket = io::create_listening_socket(runtime_directory + "/daemon.sock");
  MCPWIRE_CHECK(socket.has_value());
  {
    Server server(*this, **loop, std::move(*socket), options);
    is_listening_.store(true, std::memory_order_release);
    is_listening_.notify_all();
    (*loop)->run();
  }
}

void ScriptedDaemon::freeze() {
  is_frozen_.store(true, std::memory_order_release);
  is_frozen_.notify_all();
  is_frozen_.wait(true, std::memory_order_acquire);
}

void ScriptedDaemon::thaw() {
  is_frozen_.store(false, std::memory_order_release);
  is_frozen_.notify_all();
}

void ScriptedDaemon::await_rings(int count) const {
  for (int seen = rings_.load(std::memory_order_relaxed); seen != count;
       seen = rings_.load(std::memory_order_relaxed)) {
    rings_.wait(seen, std::memory_order_relaxed);
  }
}

void ScriptedDaemon::await_calls(int count) const {
  for (int seen = calls(); seen < count; seen = calls()) {
    calls_.wait(seen, std::memory_order_relaxed);
  }
}

}  // namespace mcpwire::test_support
