// SPDX-License-Identifier: MIT
#include "protocol/json/detail/escapes.hpp"

#include "protocol/json/detail/token.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mcpwire::protocol::json::detail {
namespace {

constexpr std::size_t kBlockBytes = 64;

/// Bit i is set if block[i] is a backslash.
std::uint64_t backslash_mask(const char* block) noexcept {
  std::uint64_t mask = 0;
#if defined(__SSE2__)
  const __m128i backslash = _mm_set1_epi8('\\');
  for (std::size_t part = 0; part < 4; ++part) {
    const void* from = block + part * 16;
    const __m128i bytes = _mm_loadu_si128(static_cast<const __m128i*>(from));
    const auto bits =
        static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash)));
    mask |= static_cast<std::uint64_t>(bits) << (part * 16);
  }
#else
  for (std::size_t at = 0; at < kBlockBytes; ++at) {
    mask |= static_cast<std::uint64_t>(block[at] == '\\') << at;
  }
#endif
  return mask;
}

/// Checks the escapes whose backslashes `mask` tells of the block at `base`. `resume` is the first
/// offset that no earlier escape has consumed.
bool check_block(std::string_view text, std::size_t base, std::uint64_t mask,
                 std::size_t& resume) noexcept {
  for (; mask != 0; mask &= mask - 1) {
    const std::size_t at = base + static_cast<std::size_t>(std::countr_zero(mask));
    if (at < resume) continue;
    if (at + 1 >= text.size() || !is_escape_letter(text[at + 1])) return false;
    if (text[at + 1] == 'u' && !is_unicode_escape(text.substr(at + 2, 4))) return false;
    resume = at + 2;
  }
  return true;
}

}  // namespace

bool check_escapes(std::string_view text) noexcept {
  std::size_t base = 0;
  std::size_t resume = 0;
  for (; base + kBlockBytes <= text.size(); base += kBlockBytes) {
    const std::uint64_t mask = backslash_mask(text.data() + base);
    if (mask != 0 && !check_block(text, base, mask, resume)) return false;
  }
  if (base == text.size()) return true;
  std::array<char, kBlockBytes> last{};
  std::memcpy(last.data(), text.data() + base, text.size() - base);
  return check_block(text, base, backslash_mask(last.data()), resume);
}

}  // namespace mcpwire::protocol::json::detail
