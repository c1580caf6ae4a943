// SPDX-License-Identifier: MIT
#include "io/line_framer.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::io {
namespace {

// .NET's default console encoding writes one before its first line.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineFramer::LineFramer(Sink& sink, std::size_t line_bytes_max, LargeLinePool* lines)
    : sink_(sink), line_bytes_max_(line_bytes_max), lines_(lines) {
  MCPWIRE_CHECK(line_bytes_max_ >= 1);
}

void LineFramer::feed(ByteSpan bytes) {
  std::string_view rest = as_text(bytes);
  while (!rest.empty() && !is_stopped_) {
    if (large_) {
      rest = copy_into_large(rest);
      continue;
    }
    const std::size_t newline = rest.find('\n');  // memchr
    if (newline == std::string_view::npos) {
      take_piece(rest);
      return;
    }
    end_line(rest.substr(0, newline));
    rest.remove_prefix(newline + 1);
  }
}

MutableByteSpan LineFramer::room() const noexcept {
  if (!large_ || is_stopped_) return {};
  const MutableByteSpan rest = large_.memory().subspan(large_bytes_);
  return rest.first(std::min(rest.size(), kRoomBytesMax));
}

void LineFramer::filled(std::size_t bytes) {
  if (is_stopped_) return;
  ++lines_->counters.reads;
  lines_->counters.bytes_read += bytes;
  advance(bytes);
}

/// So many bytes more lie in the large line's memory.
void LineFramer::advance(std::size_t bytes) {
  MCPWIRE_CHECK(bytes <= room().size());
  const std::string_view arrived = as_text(large_.memory().subspan(large_bytes_, bytes));
  const std::size_t newline = arrived.find('\n');  // memchr
  const std::size_t line_bytes = large_bytes_ + std::min(newline, bytes);
  large_bytes_ += bytes;
  if (newline != std::string_view::npos) {
    end_large_line(line_bytes);
  } else if (large_bytes_ > line_bytes_max_) {
    discarding_ = true;
    release_buffer();
    sink_.on_oversize();
  }
}

/// What was on its way before the line got memory of its own. Returns what belongs to the next one.
std::string_view LineFramer::copy_into_large(std::string_view bytes) {
  const std::string_view piece = bytes.substr(0, std::min(bytes.size(), room().size()));
  const std::size_t newline = piece.find('\n');
  const std::size_t used = newline == std::string_view::npos ? piece.size() : newline + 1;
  copy_bytes(room(), as_bytes(piece.substr(0, used)));
  lines_->counters.bytes_copied += used;
  advance(used);
  return bytes.substr(used);
}

/// The line is complete; what was read behind its newline belongs to the next ones.
void LineFramer::end_large_line(std::size_t line_bytes) {
  const std::size_t end = std::exchange(large_bytes_, 0);
  const std::string rest(as_text(large_.memory().subspan(line_bytes + 1, end - line_bytes - 1)));
  ++lines_->counters.lines;
  lines_->counters.bytes_copied += rest.size();
  LargeLine memory = std::exchange(large_, LargeLine());
  if (line_bytes > line_bytes_max_) {
    sink_.on_oversize();
  } else {
    const std::string_view line = trim(as_text(memory.memory().first(line_bytes)));
    if (!line.empty()) sink_.on_large_line(line, std::move(memory));
  }
  feed(as_bytes(rest));
}

void LineFramer::try_grow_large() {
  if (lines_ == nullptr || partial_.size() < kLargeBytes) return;
  // One byte more for the newline; what lies behind that in a read is less than a room.
  auto memory = lines_->try_take(line_bytes_max_ + 1 + kRoomBytesMax);
  if (!memory) return;
  large_ = *std::move(memory);
  copy_bytes(large_.memory(), as_bytes(partial_));
  lines_->counters.bytes_copied += partial_.size();
  large_bytes_ = partial_.size();
  std::string().swap(partial_);
}

void LineFramer::take_piece(std::string_view piece) {
  append_last(piece);
  if (!discarding_) try_grow_large();
}

void LineFramer::append_last(std::string_view piece) {
  if (discarding_) return;
  if (piece.size() > line_bytes_max_ - partial_.size()) {
    discarding_ = true;
    release_buffer();
    sink_.on_oversize();
    return;
  }
  partial_.append(piece);
}

void LineFramer::end_line(std::string_view last_piece) {
  if (discarding_) {
    discarding_ = false;
    return;
  }
  if (partial_.empty()) {
    if (last_piece.size() > line_bytes_max_) {
      sink_.on_oversize();
    } else {
      deliver(last_piece);
    }
    return;
  }
  append_last(last_piece);
  if (std::exchange(discarding_, false) || is_stopped_) return;
  deliver(partial_);
  release_buffer();
}

/// Empty for a line that is blank.
std::string_view LineFramer::trim(std::string_view line) noexcept {
  if (std::exchange(is_first_line_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line.find_first_not_of(" \t\r") == std::string_view::npos ? std::string_view() : line;
}

void LineFramer::deliver(std::string_view line) {
  line = trim(line);
  if (!line.empty()) sink_.on_line(line);
}

std::size_t LineFramer::finish() noexcept {
  const std::size_t partial_bytes = buffered_bytes();
  release_buffer();
  discarding_ = false;
  return partial_bytes;
}

void LineFramer::stop() noexcept { is_stopped_ = true; }

void LineFramer::release_buffer() noexcept {
  large_ = LargeLine();
  large_bytes_ = 0;
  if (partial_.capacity() > kKeptBytes) {
    std::string().swap(partial_);
  } else {
    partial_.clear();
  }
}

}  // namespace mcpwire::io
