// SPDX-License-Identifier: MIT
#include "io/detail/channel_inbox.hpp"

#include "protocol/call_word.hpp"

#include <utility>

namespace mcpwire::io::detail {

using protocol::FrameHeader;
using protocol::FrameKind;
using protocol::MappedDescriptor;
using protocol::Method;

namespace {

Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

/// What a client may say once the handshake is over; doorbells and memory files never come here.
const char* fault_of(const FrameHeader& header) noexcept {
  if (header.correlation > protocol::kCorrelationMax) return "correlation id over 56 bits";
  const auto method = static_cast<Method>(header.request.method);
  switch (protocol::kind_of(header.request.flags)) {
    case FrameKind::kRequest:
      if (header.correlation == 0) return "request without a correlation id";
      if (method == Method::kHello) return "HELLO twice";
      return method <= Method::kCallTool || method == Method::kStatus ||
                     method == Method::kShutdown || method == Method::kRequest
                 ? nullptr
                 : "event sent as a request";
    case FrameKind::kEvent:
      return method == Method::kCancel || method == Method::kServerAnswer
                 ? nullptr
                 : "event that only the daemon sends";
    default:
      return "answer from a client";
  }
}

}  // namespace

bool ChannelInbox::has_file_for(const FrameHeader& header, ByteSpan payload) const noexcept {
  const protocol::Payload where = protocol::payload_of(header.request, payload);
  const auto* mapped = std::get_if<protocol::MmapPayload>(&where);
  return mapped == nullptr || memory_.has(mapped->descriptor);
}

Result<std::optional<InboundMessage>> ChannelInbox::take(FrameHeader header, ByteSpan payload,
                                                         Carrier carrier) {
  if (const char* fault = fault_of(header)) return violation(fault);
  const protocol::Payload where = protocol::payload_of(header.request, payload);
  const auto* mapped = std::get_if<protocol::MmapPayload>(&where);
  if (carrier == Carrier::kSocket) {
    if (mapped != nullptr) return violation("mapped payload without shared memory");
    if (pieces_.concerns(header)) return join(header, payload);
  }
  // A record that does not fit the ring goes mapped, never in pieces.
  if ((header.request.flags & protocol::flag::kMore) != 0) {
    return violation("message in pieces in a ring");
  }
  if (mapped != nullptr) return open_mapped(header, mapped->descriptor);
  return std::optional<InboundMessage>(InboundMessage{header, payload, {}, {}, {}});
}

Result<std::optional<InboundMessage>> ChannelInbox::open_mapped(
    FrameHeader header, const MappedDescriptor& descriptor) {
  ring::MappedPayload mapped = TRY(memory_.open(descriptor));
  header.request.flags &= ~protocol::flag::kMapped;
  header.request.payload_len = static_cast<std::uint32_t>(descriptor.length);
  const ByteSpan bytes = mapped.bytes();
  return std::optional<InboundMessage>(InboundMessage{header, bytes, std::move(mapped), {}, {}});
}

Result<std::optional<InboundMessage>> ChannelInbox::join(const FrameHeader& header,
                                                         ByteSpan payload) {
  auto whole = TRY(pieces_.add(header, payload));
  if (!whole) return std::nullopt;
  return std::optional<InboundMessage>(
      InboundMessage{whole->header, {}, {}, std::move(whole->payload), std::move(whole->dropped)});
}

}  // namespace mcpwire::io::detail
