// SPDX-License-Identifier: MIT
#include "tests/io/conformance/unix_transport.hpp"

#include "protocol/base/check.hpp"
#include "protocol/mcp/method.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mcpwire::test {

using io::detail::RpcSession;
using protocol::Outcome;

UnixTransport::UnixTransport(io::Loop& loop, io::RpcCodec& codec, UnixTransportOptions options)
    : loop_(loop), codec_(codec), options_(std::move(options)) {}

UnixTransport::~UnixTransport() = default;

UnixTransport::Line::Line(UnixTransport& owner, UniqueFd to_read, UniqueFd to_write)
    : reader(owner.loop_, std::move(to_read), io::TrafficClass::kBulk),
      writer(owner.loop_, std::move(to_write)),
      framer(owner, owner.options_.limits.line_bytes_max, &owner.codec_.lines),
      session(owner.loop_, writer, owner.codec_, owner,
              {.queue_bytes_max = owner.options_.limits.queue_bytes_max}) {}

Result<void> UnixTransport::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (options_.path.size() >= sizeof address.sun_path) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge, "the path is too long");
  }
  std::memcpy(address.sun_path, options_.path.c_str(), options_.path.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // A server that listens takes a local connection at once.
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Error::from_errno(ErrorKind::kDisconnected, errno, "connect"));
  }
  UniqueFd to_write(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  line_ = std::make_unique<Line>(*this, std::move(socket), std::move(to_write));
  line_->reader.start(*this);
  return {};
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<void>> UnixTransport::open(io::CancelScope& scope, std::uint64_t deadline_ns) {
  MCPWIRE_CHECK(state_ == State::kNew);
  state_ = State::kOpening;
  const Result<void> connected = connect();
  if (!connected.has_value()) {
    state_ = State::kEnded;
    co_return fail(connected.error());
  }
  io::NegotiationPeer& peer = *this;
  io::Negotiation negotiation(loop_, codec_.values, peer, options_.negotiation);
  Result<io::ServerInfo> info = co_await negotiation.run(scope, deadline_ns);
  if (info.has_value() && (state_ != State::kOpening || !is_alive())) {
    info = fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  }
  if (!info.has_value()) {
    state_ = State::kEnded;
    end(info.error());
    co_return fail(info.error());
  }
  server_info_ = *std::move(info);
  line_->session.begin(server_info_.revision);
  if (!protocol::mcp::is_modern(server_info_.revision)) {
    line_->session.notify(protocol::mcp::kInitialized, {});
  }
  state_ = State::kOpen;
  co_return Result<void>{};
}

io::task<io::RpcReply> UnixTransport::request(std::string_view method, std::string_view params,
                                              io::RequestOptions options) {
  if (!is_open()) {
    co_return io::RpcReply{
        Outcome::kNotSent, {}, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed), false};
  }
  co_return co_await line_->session.request(method, params, options);
}

io::task<void> UnixTransport::close() {
  state_ = State::kEnded;
  end(Error::of(ErrorKind::kCancelled, ErrorCode::kShuttingDown));
  co_return;
}

/// The socket's end. While the transport is being opened that is for open() to judge.
void UnixTransport::end(const Error& why) {
  if (line_ == nullptr || !std::exchange(line_->is_alive, false)) return;
  line_->framer.stop();
  line_->session.fail_all(why);
  line_->reader.close();
  line_->writer.close();
  if (state_ != State::kOpen) return;
  state_ = State::kEnded;
  if (close_observer_ != nullptr) close_observer_->on_transport_closed(why);
}

// --- The negotiation's view ------------------------------------------------------------------

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<io::RpcReply> UnixTransport::ask(std::string method, std::string params,
                                          io::CancelScope& scope, std::uint64_t deadline_ns) {
  io::RequestOptions options;
  options.scope = &scope;
  options.deadline_ns = deadline_ns;
  io::RpcReply reply = co_await line_->session.request(method, params, options);
  co_return std::move(reply);
}

io::task<Result<void>> UnixTransport::restart() {
  if (state_ != State::kOpening) co_return fail(ErrorKind::kCancelled, ErrorCode::kShuttingDown);
  end(Error::of(ErrorKind::kCancelled, ErrorCode::kClosed));
  line_.reset();
  co_return connect();
}

// --- What comes in ---------------------------------------------------------------------------

void UnixTransport::on_large_line(std::string_view line, io::LargeLine memory) {
  line_->session.on_large_line(line, std::move(memory));
}

void UnixTransport::on_oversize() {
  end(Error::with_detail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                         "the server wrote too long a line (limits.lineBytes)"));
}

void UnixTransport::on_notification(std::string_view method, std::string_view params) {
  if (message_observer_ != nullptr) message_observer_->on_notification(method, params);
}

void UnixTransport::on_junk_line(std::string_view line) {
  if (message_observer_ != nullptr) message_observer_->on_junk_line(line);
}

const io::TransportCounters& UnixTransport::counters() const noexcept {
  static const io::TransportCounters kNone;
  return line_ != nullptr ? line_->session.counters() : kNone;
}

}  // namespace mcpwire::test
