// SPDX-License-Identifier: MIT
//
// What every message of every contender carries: 64-bit words that follow from its number. The
// sender writes all of them; the receiver reads all of them, the first messages word for word and
// the others by their sum.
// Threading: pure functions.
#pragma once

#include "protocol/base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mcpwire::peers {

/// Answers carry the number of what they answer and this bit.
inline constexpr std::uint64_t kAnswerBit = std::uint64_t{1} << 63;
/// The number of a last message: the receiver ends when it comes instead of the expected one.
inline constexpr std::uint64_t kStop = std::uint64_t{1} << 62;
/// This many messages in each direction are compared word for word; all of them are sent before
/// anything is timed.
inline constexpr std::uint64_t kComparedMessages = 32;

enum class [[nodiscard]] Verdict { kRight, kStop, kWrong };

namespace detail {

inline constexpr std::uint64_t kSequenceFactor = 0x9e37'79b9'7f4a'7c15;
inline constexpr std::uint64_t kIndexFactor = 0xff51'afd7'ed55'8ccd;

constexpr std::uint64_t payload_word(std::uint64_t sequence, std::uint64_t index) noexcept {
  return index == 0 ? sequence : sequence * kSequenceFactor + index * kIndexFactor;
}

inline std::uint64_t load_word(const std::byte* from) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

/// The sum of payload_word() over `words` words, without adding them up.
constexpr std::uint64_t payload_sum(std::uint64_t sequence, std::uint64_t words) noexcept {
  return sequence + (words - 1) * sequence * kSequenceFactor +
         words * (words - 1) / 2 * kIndexFactor;
}

inline std::uint64_t sum_of(ByteSpan bytes) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    sum += load_word(bytes.data() + at);
  }
  return sum;
}

inline bool equals_payload(ByteSpan bytes, std::uint64_t sequence) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = payload_word(sequence, at / sizeof(std::uint64_t));
    if (load_word(bytes.data() + at) != word) return false;
  }
  return true;
}

}  // namespace detail

/// Fills `to`, whose size is a multiple of 8 and at least 16.
inline void write_payload(MutableByteSpan to, std::uint64_t sequence) noexcept {
  std::memcpy(to.data(), &sequence, sizeof(sequence));
  std::uint64_t word = sequence * detail::kSequenceFactor;
  for (std::size_t at = sizeof(word); at < to.size(); at += sizeof(word)) {
    word += detail::kIndexFactor;
    std::memcpy(to.data() + at, &word, sizeof(word));
  }
}

/// What `bytes` are, where the message `expected` or the last one should have come.
inline Verdict judge_payload(ByteSpan bytes, std::uint64_t expected) noexcept {
  const std::uint64_t sequence = detail::load_word(bytes.data());
  if (sequence != expected) return sequence == kStop ? Verdict::kStop : Verdict::kWrong;
  const bool right =
      (expected & ~kAnswerBit) <= kComparedMessages
          ? detail::equals_payload(bytes, expected)
          : detail::sum_of(bytes) == detail::payload_sum(expected, bytes.size() / sizeof(expected));
  return right ? Verdict::kRight : Verdict::kWrong;
}

}  // namespace mcpwire::peers
