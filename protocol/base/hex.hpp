// SPDX-License-Identifier: MIT
//
// Bytes as lower-case hexadecimal digits, two for each.
// Threading: pure functions.
#pragma once

#include "protocol/base/bytes.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mcpwire {

inline void append_hex(std::string& text, ByteSpan bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
  }
}

}  // namespace mcpwire
