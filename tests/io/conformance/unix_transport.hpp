// SPDX-License-Identifier: MIT
//
// UnixTransport: McpTransport to a server that listens on a Unix stream socket and speaks JSON-RPC
// lines. It lives in the tests alone: it shows what a new kind of server takes, and that nothing in
// pool/ or daemon/ has to know it.
//
// Threading: the loop's thread.
// Invariants: outlives its requests (checked); after close() its socket is closed.
#pragma once

#include "io/detail/rpc_session.hpp"
#include "io/fd_stream.hpp"
#include "io/line_framer.hpp"
#include "io/mcp/negotiation.hpp"
#include "io/mcp_transport.hpp"
#include "io/transport_limits.hpp"
#include "protocol/base/unique_fd.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::test {

struct UnixTransportOptions {
  std::string path;  ///< Of the socket.
  io::TransportLimits limits;
  io::NegotiationOptions negotiation{};
};

class UnixTransport final : public io::McpTransport,
                            private io::NegotiationPeer,
                            private io::detail::RpcSession::Owner,
                            private io::LineFramer::Sink,
                            private ByteReader::Sink {
 public:
  /// Everything referred to outlives the transport. Connects nowhere yet.
  UnixTransport(io::Loop& loop, io::RpcCodec& codec, UnixTransportOptions options);
  ~UnixTransport() override;

  io::task<Result<void>> open(io::CancelScope& scope, std::uint64_t deadline_ns) override;
  io::task<io::RpcReply> request(std::string_view method,  // outlives: awaited in one expression
                                 std::string_view params,  // outlives: awaited in one expression
                                 io::RequestOptions options) override;
  io::task<void> close() override;

  bool is_open() const noexcept override { return state_ == State::kOpen; }
  void observe_close(CloseObserver& observer) override { close_observer_ = &observer; }
  void observe_messages(MessageObserver& observer) override { message_observer_ = &observer; }
  const io::ServerInfo& server_info() const noexcept override { return server_info_; }
  std::int32_t process_id() const noexcept override { return 0; }
  std::string stderr_tail() const override { return {}; }
  const io::TransportCounters& counters() const noexcept override;

 private:
  enum class State : std::uint8_t { kNew, kOpening, kOpen, kEnded };
  /// What belongs to one socket. The streams outlive what uses them.
  struct Line {
    Line(UnixTransport& owner, UniqueFd to_read, UniqueFd to_write);
    io::FdReader reader;
    io::FdWriter writer;
    io::LineFramer framer;
    io::detail::RpcSession session;
    bool is_alive = true;
  };

  Result<void> connect();
  void end(const Error& why);

  // The negotiation's view.
  io::task<io::RpcReply> ask(std::string method, std::string params, io::CancelScope& scope,
                             std::uint64_t deadline_ns) override;
  bool is_alive() const noexcept override { return line_ != nullptr && line_->is_alive; }
  io::task<Result<void>> restart() override;
  std::string shown(std::string_view text) const override { return std::string(text); }
  std::string with_last_words(std::string text) const override { return text; }

  // What comes in.
  void on_bytes(ByteSpan bytes) override { line_->framer.feed(bytes); }
  MutableByteSpan room() override { return line_->framer.room(); }
  void on_filled(std::size_t bytes) override { line_->framer.filled(bytes); }
  void on_read_end(const Error& why) override { end(why); }
  void on_line(std::string_view line) override { line_->session.on_line(line); }
  void on_large_line(std::string_view line, io::LargeLine memory) override;
  void on_oversize() override;
  void on_notification(std::string_view method, std::string_view params) override;
  void on_junk_line(std::string_view line) override;
  void on_write_failed(const Error& why) override { end(why); }
  void on_writer_idle() override {}

  io::Loop& loop_;
  io::RpcCodec& codec_;
  UnixTransportOptions options_;
  CloseObserver* close_observer_ = nullptr;
  MessageObserver* message_observer_ = nullptr;
  State state_ = State::kNew;
  io::ServerInfo server_info_;
  std::unique_ptr<Line> line_;
};

}  // namespace mcpwire::test
