// SPDX-License-Identifier: MIT
#include "protocol/message_pieces.hpp"

#include "protocol/base/check.hpp"

#include <limits>
#include <utility>

namespace mcpwire::protocol {

namespace {

/// Frames of one message differ in nothing but MORE and the length.
bool continues(const FrameHeader& first, const FrameHeader& next) noexcept {
  constexpr std::uint32_t kSame = ~flag::kMore;
  return first.correlation == next.correlation && first.request.method == next.request.method &&
         (first.request.flags & kSame) == (next.request.flags & kSame);
}

}  // namespace

Result<std::optional<MessagePieces::Whole>> MessagePieces::add(const FrameHeader& header,
                                                               ByteSpan payload) {
  MCPWIRE_CHECK(concerns(header));
  static_assert(kMessageBytesMax <= std::numeric_limits<std::uint32_t>::max());
  if (!partial_) {
    partial_ = std::make_unique<Whole>(Whole{header, {}, {}});
    arrived_bytes_ = 0;
  } else if (!continues(partial_->header, header)) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("message in pieces interrupted by another one"));
  }
  arrived_bytes_ += payload.size();
  if (arrived_bytes_ > bytes_max_) {
    return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                "message in pieces over " + std::to_string(bytes_max_) + " bytes");
  }
  if (!partial_->dropped) partial_->payload.append(as_text(payload));
  if ((header.request.flags & flag::kMore) != 0) return std::nullopt;
  Whole whole = std::move(*partial_);
  partial_.reset();
  whole.header.request.flags &= ~flag::kMore;
  whole.header.request.payload_len = static_cast<std::uint32_t>(whole.payload.size());
  return std::optional<Whole>(std::move(whole));
}

void MessagePieces::drop(Error why) {
  MCPWIRE_CHECK(partial_ != nullptr);
  if (partial_->dropped) return;
  partial_->payload = std::string();
  partial_->dropped = std::move(why);
}

}  // namespace mcpwire::protocol
