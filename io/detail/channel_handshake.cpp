// SPDX-License-Identifier: MIT
//
// A channel's first frame and its answer.
#include "io/client_channel.hpp"
#include "protocol/payload_codec.hpp"

#include <string>
#include <utility>

namespace mcpwire::io {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
namespace feature = protocol::feature;

namespace {

Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

}  // namespace

Result<void> ClientChannel::take_hello(ring::ReceivedFrame& frame) {
  const protocol::FrameHeader header = frame.header;
  if (header.request.flags != protocol::make_flags(FrameKind::kRequest) ||
      header.request.method != static_cast<std::uint32_t>(Method::kHello)) {
    return violation("frame before HELLO");
  }
  std::uint64_t supported = feature::kSupported;
  if (host_.options().shared_memory == SharedMemoryPolicy::kRefuse) {
    supported &= ~feature::kSharedMemory;
  }
  detail::HelloVerdict verdict = TRY(detail::judge_hello(frame.payload, supported));
  if (!verdict.refusal) hold_hello(frame.payload.size(), verdict);
  if (!verdict.refusal && verdict.ring_bytes != 0) TRY(share_memory(frame, verdict));
  if (verdict.refusal) {
    refuse_hello(header.correlation, *verdict.refusal);
    return {};
  }
  TRY(answer_hello(header.correlation, verdict));
  renews_rings_ = (verdict.features & feature::kRingRenewal) != 0;
  uses_slabs_ = (verdict.features & feature::kSlabs) != 0;
  state_ = State::kOpen;
  --host_.handshaking_;
  handshake_.reset();
  ++host_.open_;
  attach_outbox();
  if (has_rings()) host_.spin_budget_.on_request(active_->rings->spin_seat, host_.loop().now_ns());
  await_idleness();
  make_hot();
  receiver_->on_frame(header, frame.payload);
  return {};
}

/// Makes the rings; where this process can make or map none, the client is served on the socket.
Result<void> ClientChannel::share_memory(ring::ReceivedFrame& frame,
                                         detail::HelloVerdict& verdict) {
  if (!frame.attached && !frame.lost_attachment) {
    return violation("HELLO without the client's memory file");
  }
  const auto made = make_rings(frame, verdict.ring_bytes);
  if (made) return {};
  if (made.error().code == ErrorCode::kProtocolViolation) {
    return violation("HELLO with an unacceptable memory file");
  }
  verdict.withhold_shared_memory(made.error());
  return {};
}

/// The receiver keeps paths and environment for as long as there is the connection. Small ones are
/// bounded well enough by the number of connections.
void ClientChannel::hold_hello(std::size_t bytes, detail::HelloVerdict& verdict) {
  constexpr std::size_t kSmallBytes = 4096;
  if (bytes <= kSmallBytes || try_hold_hello(static_cast<std::uint32_t>(bytes))) return;
  constexpr const char* kWhat = "bytes of paths and environments";
  host_.note_over_quota(process(), kWhat);
  verdict.refusal = Error::with_detail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                                       std::string("this process has too many ") + kWhat);
}

Result<void> ClientChannel::answer_hello(std::uint64_t correlation,
                                         const detail::HelloVerdict& verdict) {
  protocol::PayloadBuilder<protocol::HelloReply> builder;
  builder.fixed.version = protocol::kWireVersion;
  builder.fixed.features = verdict.features;
  builder.fixed.daemon_instance = host_.options().daemon_instance;
  builder.fixed.daemon_pid = host_.options().daemon_pid;
  builder.fixed.ring_bytes = verdict.ring_bytes;
  builder.fixed.daemon_version = builder.add(host_.options().daemon_version);
  const std::string reply = builder.take();
  const ring::OutgoingFrame frame{
      protocol::make_header(FrameKind::kResponse, Method::kHello, Outcome::kOk),
      correlation,
      as_bytes(reply),
      {},
      has_rings() ? active_->rings->own.fd() : -1};
  if (TRY(ring::send_frame(socket_.get(), frame)) != ring::SendStatus::kSent) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  }
  if (has_rings()) active_->rings->own.close_fd();
  return {};
}

void ClientChannel::refuse_hello(std::uint64_t correlation, const Error& why) {
  detail::send_refusal(socket_.get(), correlation, why);
  shut(why);
}

}  // namespace mcpwire::io
