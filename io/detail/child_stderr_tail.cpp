// SPDX-License-Identifier: MIT
#include "io/detail/child_stderr_tail.hpp"

#include <algorithm>

namespace mcpwire::io::detail {

void ChildStderrTail::append(ByteSpan bytes) {
  std::string_view rest = as_text(bytes);
  if (rest.size() > bytes_max_) rest.remove_prefix(rest.size() - bytes_max_);
  const std::size_t growth = std::min(rest.size(), bytes_max_ - ring_.size());
  ring_.append(rest.substr(0, growth));
  rest.remove_prefix(growth);
  while (!rest.empty()) {
    const std::size_t piece = std::min(rest.size(), ring_.size() - head_);
    std::ranges::copy(rest.substr(0, piece), ring_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = (head_ + piece) % ring_.size();
    rest.remove_prefix(piece);
  }
}

std::string ChildStderrTail::text() const { return ring_.substr(head_) + ring_.substr(0, head_); }

std::string_view last_line_of(std::string_view text) noexcept {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos) return {};
  const std::size_t newline = text.rfind('\n', last);
  const std::size_t first = newline == std::string_view::npos ? 0 : newline + 1;
  return text.substr(first, last - first + 1);
}

}  // namespace mcpwire::io::detail
