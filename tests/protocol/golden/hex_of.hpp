// SPDX-License-Identifier: MIT
//
// What the golden tests are made of: values as hexadecimal text.
#pragma once

#include "protocol/base/bytes.hpp"

#include "protocol/base/hex.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::protocol::golden {

inline std::string hex_of(ByteSpan bytes) {
  std::string text;
  append_hex(text, bytes);
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
