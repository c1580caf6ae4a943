// SPDX-License-Identifier: MIT
//
// with_each_reserved_bit: a payload as a hostile peer sends it, once for each bit of its struct's
// reserved field.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mcpwire::protocol {

template <class Struct>
std::vector<std::string> with_each_reserved_bit(const std::string& payload) {
  std::vector<std::string> all;
  for (std::size_t bit = 0; bit < 8 * sizeof(Struct::reserved); ++bit) {
    all.push_back(payload);
    all.back()[offsetof(Struct, reserved) + bit / 8] = static_cast<char>(1 << bit % 8);
  }
  return all;
}

}  // namespace mcpwire::protocol
