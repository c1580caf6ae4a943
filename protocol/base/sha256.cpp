// SPDX-License-Identifier: MIT
#include "protocol/base/sha256.hpp"

#include "protocol/base/hex.hpp"

#include <algorithm>
#include <bit>

namespace mcpwire {
namespace {

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> kRoundConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using std::rotr;

std::array<std::uint32_t, 64> message_schedule(const std::byte* block) noexcept {
  std::array<std::uint32_t, 64> words{};
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      words[i] = words[i] << 8 | std::to_integer<std::uint32_t>(block[i * 4 + j]);
    }
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t a = words[i - 15];
    const std::uint32_t b = words[i - 2];
    words[i] = words[i - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + words[i - 7] +
               (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
  }
  return words;
}

template <std::size_t kBytes>
std::array<std::byte, kBytes> big_endian(std::uint64_t value) noexcept {
  std::array<std::byte, kBytes> bytes{};
  for (std::size_t i = 0; i < kBytes; ++i) {
    bytes[kBytes - 1 - i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  }
  return bytes;
}

}  // namespace

void Sha256::compress(const std::byte* block) noexcept {
  const std::array<std::uint32_t, 64> words = message_schedule(block);
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t choice = (e & f) ^ (~e & g);
    const std::uint32_t first =
        h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + choice + kRoundConstants[i] + words[i];
    const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    const std::uint32_t second = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::array<std::uint32_t, 8> mixed = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state_.size(); ++i) state_[i] += mixed[i];
}

Sha256& Sha256::update(ByteSpan bytes) noexcept {
  message_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t taken = std::min(kBlockBytes - block_bytes_, bytes.size());
    std::ranges::copy(bytes.first(taken),
                      block_.begin() + static_cast<std::ptrdiff_t>(block_bytes_));
    block_bytes_ += taken;
    bytes = bytes.subspan(taken);
    if (block_bytes_ == kBlockBytes) {
      compress(block_.data());
      block_bytes_ = 0;
    }
  }
  return *this;
}

Sha256& Sha256::update_field(std::string_view text) noexcept {
  const auto length = big_endian<8>(text.size());
  return update(ByteSpan(length)).update(text);
}

Sha256Digest Sha256::finish() noexcept {
  const std::uint64_t message_bits = message_bytes_ * 8;
  constexpr std::array<std::byte, kBlockBytes> kPadding = {std::byte{0x80}};
  // One byte 0x80, zeros, and the 8-byte length fill the last block exactly.
  const std::size_t to_length =
      (kBlockBytes + 56 - (block_bytes_ + 1) % kBlockBytes) % kBlockBytes + 1;
  update(ByteSpan(kPadding).first(to_length));
  update(ByteSpan(big_endian<8>(message_bits)));

  Sha256Digest digest{};
  for (std::size_t i = 0; i < state_.size(); ++i) {
    std::ranges::copy(big_endian<4>(state_[i]),
                      digest.begin() + static_cast<std::ptrdiff_t>(i * 4));
  }
  return digest;
}

std::string hex_of(const Sha256Digest& digest) {
  std::string text;
  text.reserve(digest.size() * 2);
  append_hex(text, digest);
  return text;
}

}  // namespace mcpwire
