// SPDX-License-Identifier: MIT
#include "io/http/message_text.hpp"

#include "io/line_framer.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/check.hpp"

#include <utility>

namespace mcpwire::io {

void MessageText::append(std::string_view piece) {
  const bool becomes_large =
      !large_ && lines_ != nullptr && text_.size() + piece.size() >= kLargeBytes;
  if (becomes_large) grow_large(piece);
  if (!large_) {
    text_ += piece;
    return;
  }
  MCPWIRE_CHECK(piece.size() <= large_.memory().size() - large_bytes_);
  copy_bytes(large_.memory().subspan(large_bytes_), as_bytes(piece));
  large_bytes_ += piece.size();
}

/// Where there is no memory for it, it stays a text.
void MessageText::grow_large(std::string_view piece) {
  // As much as a line of standard output gets: what serves one serves the other.
  auto memory = lines_->try_take(bytes_max_ + 1 + LineFramer::kRoomBytesMax);
  if (!memory) return;
  ++lines_->counters.lines;
  lines_->counters.bytes_copied += text_.size() + piece.size();
  large_ = *std::move(memory);
  copy_bytes(large_.memory(), as_bytes(text_));
  large_bytes_ = text_.size();
  std::string().swap(text_);
}

std::string_view MessageText::view() const noexcept {
  return large_ ? as_text(ByteSpan(large_.memory()).first(large_bytes_)) : std::string_view(text_);
}

void MessageText::clear() noexcept {
  text_.clear();
  static_cast<void>(take_memory());
}

LargeLine MessageText::take_memory() noexcept {
  large_bytes_ = 0;
  return std::exchange(large_, LargeLine());
}

}  // namespace mcpwire::io
