// SPDX-License-Identifier: MIT
//
// Sha256: the hash behind server identities and approvals, where a collision that somebody can
// construct would start a command nobody approved. FIPS 180-4, section 6.2.
// Ours because the CLI is linked without OpenSSL; not for secrets (no constant-time promise).
//
// Threading: a value of one thread.
#pragma once

#include "protocol/base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire {

using Sha256Digest = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256& update(ByteSpan bytes) noexcept;
  Sha256& update(std::string_view text) noexcept { return update(as_bytes(text)); }

  /// The length as 8 bytes, then the text: two lists of fields never hash alike because one field
  /// ends where another begins.
  Sha256& update_field(std::string_view text) noexcept;

  /// Ends the message. The object may not be used afterwards.
  Sha256Digest finish() noexcept;

 private:
  static constexpr std::size_t kBlockBytes = 64;

  void compress(const std::byte* block) noexcept;

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, kBlockBytes> block_{};
  std::size_t block_bytes_ = 0;  ///< Filled part of block_; below kBlockBytes between calls.
  std::uint64_t message_bytes_ = 0;
};

/// 64 lower-case hexadecimal digits.
std::string hex_of(const Sha256Digest& digest);

}  // namespace mcpwire
