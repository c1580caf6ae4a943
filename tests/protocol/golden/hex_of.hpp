// SPDX-License-Identifier: MIT
//
// What the golden tests are made of: values as hexadecimal text.
#pragma once

#include "protocol/base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::protocol::golden {

inline std::string hex_of(ByteSpan bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
  }
  return text;
}

template <WireStruct T>
std::string hex_of(const T& value) {
  return hex_of(object_bytes(value));
}

template <class Bytes>
void fill_upwards(Bytes& bytes, std::uint8_t first) {
  for (std::uint8_t& byte : bytes) byte = first++;
}

}  // namespace mcpwire::protocol::golden
