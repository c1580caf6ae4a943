// SPDX-License-Identifier: MIT
#include "io/detail/child_stderr_tail.hpp"

#include <algorithm>

namespace mcpwire::io::detail {

void ChildStderrTail::append(ByteSpan bytes) {
  std::string_view rest = as_text(bytes);
  if (rest.size() > kBytesMax) rest.remove_prefix(rest.size() - kBytesMax);
  const std::size_t growth = std::min(rest.size(), kBytesMax - ring_.size());
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

std::string ChildStderrTail::last_line() const {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::string all = text();
  const std::size_t last = all.find_last_not_of(kBlank);
  if (last == std::string::npos) return {};
  const std::size_t newline = all.rfind('\n', last);
  const std::size_t first = newline == std::string::npos ? 0 : newline + 1;
  std::string line = all.substr(first, std::min(last - first + 1, kShownBytes));
  std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return line;
}

}  // namespace mcpwire::io::detail
