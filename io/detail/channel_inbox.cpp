// SPDX-License-Identifier: MIT
#include "io/detail/channel_inbox.hpp"

#include "protocol/call_word.hpp"
#include "protocol/payload_codec.hpp"

#include <algorithm>
#include <limits>
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
      return method <= Method::kCallTool || method == Method::kStatus || method == Method::kShutdown
                 ? nullptr
                 : "event sent as a request";
    case FrameKind::kEvent:
      return method == Method::kCancel ? nullptr : "event that only the daemon sends";
    default:
      return "answer from a client";
  }
}

bool continues(const FrameHeader& first, const FrameHeader& next) noexcept {
  constexpr std::uint32_t kSame = ~protocol::flag::kMore;
  return first.correlation == next.correlation && first.request.method == next.request.method &&
         (first.request.flags & kSame) == (next.request.flags & kSame);
}

void set_length(FrameHeader& header, std::size_t bytes) noexcept {
  static_assert(protocol::kMessageBytesMax <= std::numeric_limits<std::uint32_t>::max());
  header.request.payload_len = static_cast<std::uint32_t>(bytes);
}

}  // namespace

Result<void> ChannelInbox::keep_file(ByteSpan memory_event, UniqueFd file) {
  const auto event = protocol::PayloadReader(memory_event).fixed<protocol::MemoryEvent>();
  if (!event || event->reserved != 0) return violation("malformed memory event");
  if (!file) return violation("memory event without a file");
  if (event->bytes > protocol::kMessageBytesMax) return violation("memory file over the limit");
  for (const File& known : files_) {
    if (known.slab == event->slab && known.generation == event->generation) {
      return violation("memory file announced twice");
    }
  }
  files_.push_back({event->slab, event->generation, event->bytes, std::move(file)});
  return {};
}

bool ChannelInbox::has_file_for(const FrameHeader& header, ByteSpan payload) const noexcept {
  const protocol::Payload where = protocol::payload_of(header.request, payload);
  const auto* mapped = std::get_if<protocol::MmapPayload>(&where);
  if (mapped == nullptr) return true;
  const MappedDescriptor& descriptor = mapped->descriptor;
  return std::ranges::any_of(files_, [&](const File& file) {
    return file.slab == descriptor.slab && file.generation == descriptor.generation;
  });
}

Result<std::optional<InboundMessage>> ChannelInbox::take(FrameHeader header, ByteSpan payload,
                                                         Carrier carrier) {
  if (const char* fault = fault_of(header)) return violation(fault);
  const protocol::Payload where = protocol::payload_of(header.request, payload);
  const auto* mapped = std::get_if<protocol::MmapPayload>(&where);
  const bool is_piece = (header.request.flags & protocol::flag::kMore) != 0;
  if (carrier == Carrier::kSocket) {
    if (mapped != nullptr) return violation("mapped payload without shared memory");
    if (is_piece || partial_) return assemble(header, payload);
  }
  // A record that does not fit the ring goes mapped, never in pieces.
  if (is_piece) return violation("message in pieces in a ring");
  if (mapped != nullptr) return open_mapped(header, mapped->descriptor);
  return std::optional<InboundMessage>(InboundMessage{header, payload, std::nullopt, {}});
}

Result<std::optional<InboundMessage>> ChannelInbox::open_mapped(
    FrameHeader header, const MappedDescriptor& descriptor) {
  const auto found = std::ranges::find_if(files_, [&](const File& file) {
    return file.slab == descriptor.slab && file.generation == descriptor.generation;
  });
  if (found == files_.end()) return violation("payload in an unknown memory file");
  File file = std::move(*found);
  files_.erase(found);
  if (!protocol::descriptor_fits(descriptor, file.bytes)) {
    return violation("payload outside of its memory file");
  }
  auto mapping = ring::SealedMapping::map(std::move(file.fd), file.bytes);
  if (!mapping) return violation("memory file that is not sealed, or of another size");
  header.request.flags &= ~protocol::flag::kMapped;
  set_length(header, descriptor.length);
  InboundMessage message{header,
                         mapping->bytes().subspan(descriptor.offset, descriptor.length),
                         std::move(*mapping),
                         {}};
  return std::optional<InboundMessage>(std::move(message));
}

Result<std::optional<InboundMessage>> ChannelInbox::assemble(FrameHeader header, ByteSpan payload) {
  if (!partial_) {
    partial_ = std::make_unique<Partial>(Partial{header, {}});
  } else if (!continues(partial_->header, header)) {
    return violation("message in pieces interrupted by another one");
  }
  if (partial_->payload.size() + payload.size() > reassembly_bytes_max_) {
    return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                "message in pieces over " + std::to_string(reassembly_bytes_max_) + " bytes");
  }
  partial_->payload.append(as_text(payload));
  if ((header.request.flags & protocol::flag::kMore) != 0) return std::nullopt;
  InboundMessage message{header, {}, std::nullopt, std::move(partial_->payload)};
  partial_.reset();
  set_length(message.header, message.assembled.size());
  return std::optional<InboundMessage>(std::move(message));
}

}  // namespace mcpwire::io::detail
