// SPDX-License-Identifier: MIT
//
// MessagePieces: a message of which MORE frames are still to come (FRAME.md, section 6).
//
// Threading: a value of one thread.
// Invariants: memory is taken for what has arrived, never for what is announced.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/request_header.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace mcpwire::protocol {

class MessagePieces {
 public:
  explicit MessagePieces(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  /// A frame that takes part in one: it says MORE, or an earlier one did.
  bool concerns(const FrameHeader& header) const noexcept {
    return partial_ != nullptr || (header.request.flags & flag::kMore) != 0;
  }

  /// A message has begun and not ended.
  bool is_under_way() const noexcept { return partial_ != nullptr; }

  /// That wait for the rest of their message.
  std::size_t bytes() const noexcept { return partial_ ? partial_->payload.size() : 0; }

  /// Nothing of the message under way is kept from here on; its last piece still ends it.
  /// REQUIRES: there is one.
  void drop(Error why);

  struct Whole {
    FrameHeader header;  ///< Without MORE, with the length of the whole.
    std::string payload;
    std::optional<Error> dropped;  ///< Why there is no payload, if it was given up.
  };
  /// Takes the next frame; the message, once it is whole. kProtocolViolation if another message
  /// comes in between, kTooLarge over the limit. REQUIRES: concerns(header).
  Result<std::optional<Whole>> add(const FrameHeader& header, ByteSpan payload);

 private:
  std::size_t bytes_max_;
  std::size_t arrived_bytes_ = 0;   ///< Of the message under way, dropped or kept.
  std::unique_ptr<Whole> partial_;  ///< An idle connection keeps none.
};

}  // namespace mcpwire::protocol
