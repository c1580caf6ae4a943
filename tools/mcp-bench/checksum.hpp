// SPDX-License-Identifier: MIT
//
// A checksum that is limited by memory and not by arithmetic: what a receiver does to have seen
// every byte of a large payload.
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mcpwire::bench_tool {

/// The sum of the text's 8-byte words, modulo 2^64; the rest byte by byte.
inline std::uint64_t checksum(std::string_view text) noexcept {
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    sum += word;
  }
  for (; at < text.size(); ++at) sum += static_cast<unsigned char>(text[at]);
  return sum;
}

/// Fails unless the answer holds `expected`, a text of one letter, as all its bytes show.
inline Result<void> check_blob(std::string_view answer, std::string_view expected,
                               std::uint64_t expected_sum) noexcept {
  const std::size_t at = expected.empty() ? 0 : answer.find(expected.substr(0, 16));
  if (at == std::string_view::npos ||
      checksum(answer.substr(at, expected.size())) != expected_sum) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  }
  return {};
}

}  // namespace mcpwire::bench_tool
