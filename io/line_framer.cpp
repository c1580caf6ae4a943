// SPDX-License-Identifier: MIT
#include "io/line_framer.hpp"

#include "protocol/base/check.hpp"

#include <utility>

namespace mcpwire::io {
namespace {

// .NET's default console encoding writes one before its first line.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineFramer::LineFramer(Sink& sink, std::size_t line_bytes_max)
    : sink_(sink), line_bytes_max_(line_bytes_max) {
  MCPWIRE_CHECK(line_bytes_max_ >= 1);
}

void LineFramer::feed(ByteSpan bytes) {
  std::string_view rest = as_text(bytes);
  while (!rest.empty() && !is_stopped_) {
    const std::size_t newline = rest.find('\n');  // memchr
    if (newline == std::string_view::npos) {
      take_piece(rest);
      return;
    }
    end_line(rest.substr(0, newline));
    rest.remove_prefix(newline + 1);
  }
}

void LineFramer::take_piece(std::string_view piece) {
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
  take_piece(last_piece);
  if (std::exchange(discarding_, false) || is_stopped_) return;
  deliver(partial_);
  release_buffer();
}

void LineFramer::deliver(std::string_view line) {
  if (std::exchange(is_first_line_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  sink_.on_line(line);
}

std::size_t LineFramer::finish() noexcept {
  const std::size_t partial_bytes = partial_.size();
  release_buffer();
  discarding_ = false;
  return partial_bytes;
}

void LineFramer::stop() noexcept { is_stopped_ = true; }

void LineFramer::release_buffer() noexcept {
  if (partial_.capacity() > kKeptBytes) {
    std::string().swap(partial_);
  } else {
    partial_.clear();
  }
}

}  // namespace mcpwire::io
