// SPDX-License-Identifier: MIT
//
// The shared-memory segment: what is where, and the arithmetic of its ring.
// One segment belongs to one process, which alone may write it; the peer maps it read-only.
//
//   offset 0     SegmentConstants, written before the file is handed over, never after
//          128   consumer position: how far the owner has read the PEER's ring
//          256   wait word: the owner waits for records of the peer
//          384   space-wait word: the owner waits for room in its own ring
//          512   leave to spin: how long the peer may spin (ring/spin_leave.hpp)
//          1024  call words (ring/call_words.hpp)
//          4096  the owner's outgoing ring, ring_bytes long
//
// Words that different processes touch at the same time are 128 bytes apart: two lines, because
// the adjacent-line prefetcher of x86 fetches pairs.
//
// Invariants: a record is 32 bytes of FrameHeader and its payload, rounded up to 64; it never
// crosses the end of the ring; its commit word is zero until the record is complete.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/call_word.hpp"
#include "protocol/request_header.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mcpwire::ring {

inline constexpr std::uint32_t kRingBytesMin = 4 * 1024;
inline constexpr std::uint32_t kRingBytesMax = 1024 * 1024;
inline constexpr std::uint32_t kGranuleBytes = 64;
inline constexpr std::uint32_t kControlBytes = 4096;
inline constexpr std::size_t kWordSpacingBytes = 2 * kCacheLineBytes;

inline constexpr std::uint64_t kSegmentMagic = 0x3147'4553'5750'434d;  // "MCPWSEG1"
inline constexpr std::uint32_t kLayoutVersion = 1;

struct SegmentConstants {
  std::uint64_t magic;           ///< kSegmentMagic.
  std::uint32_t layout_version;  ///< kLayoutVersion.
  std::uint32_t ring_bytes;
  std::uint32_t call_window;  ///< protocol::kCallWindow of the owner.
  std::uint32_t reserved;     ///< Must be zero.

  bool operator==(const SegmentConstants&) const = default;
};
static_assert(WireStruct<SegmentConstants> && sizeof(SegmentConstants) == 24);

constexpr SegmentConstants make_constants(std::uint32_t ring_bytes) noexcept {
  return {kSegmentMagic, kLayoutVersion, ring_bytes,
          static_cast<std::uint32_t>(protocol::kCallWindow), 0};
}

/// Wait words count the times their owner went to sleep: epoch << 1 | asleep.
constexpr std::uint64_t make_wait_word(std::uint64_t epoch, bool asleep) noexcept {
  return epoch << 1 | static_cast<std::uint64_t>(asleep);
}
constexpr bool wait_word_asleep(std::uint64_t word) noexcept { return (word & 1) != 0; }

/// The last states of a wait word, where giving rings back was agreed (docs/adr/0009): its owner is
/// deciding about it, or will never look into the peer's ring again.
inline constexpr std::uint64_t kRetiringWaitWord = std::uint64_t{1} << 62;
inline constexpr std::uint64_t kRetiredWaitWord = std::uint64_t{1} << 63;

struct ControlPage {
  SegmentConstants constants;
  alignas(kWordSpacingBytes) std::uint64_t consumer_position;
  alignas(kWordSpacingBytes) std::uint64_t wait_word;
  alignas(kWordSpacingBytes) std::uint64_t space_wait_word;
  alignas(kWordSpacingBytes) std::uint64_t spin_leave;
  alignas(1024) std::array<std::uint64_t, protocol::kCallWindow> call_words;
};
static_assert(offsetof(ControlPage, constants) == 0);
static_assert(offsetof(ControlPage, consumer_position) == 128);
static_assert(offsetof(ControlPage, wait_word) == 256);
static_assert(offsetof(ControlPage, space_wait_word) == 384);
static_assert(offsetof(ControlPage, spin_leave) == 512);
static_assert(offsetof(ControlPage, call_words) == 1024);
static_assert(offsetof(ControlPage, call_words) + sizeof(ControlPage::call_words) == 3072);
static_assert(sizeof(ControlPage) <= kControlBytes);

constexpr bool is_ring_bytes(std::uint32_t ring_bytes) noexcept {
  return ring_bytes >= kRingBytesMin && ring_bytes <= kRingBytesMax &&
         (ring_bytes & (ring_bytes - 1)) == 0;
}

constexpr std::size_t segment_bytes(std::uint32_t ring_bytes) noexcept {
  return std::size_t{kControlBytes} + ring_bytes;
}

/// Bytes that a record with this payload takes. 64-bit, so that no payload_len overflows it.
constexpr std::uint64_t record_bytes(std::uint32_t payload_bytes) noexcept {
  return (sizeof(protocol::FrameHeader) + std::uint64_t{payload_bytes} + kGranuleBytes - 1) &
         ~std::uint64_t{kGranuleBytes - 1};
}

/// Largest payload of one record: a quarter of the ring, header included. A pad and a record
/// together then take less than half, so a ring that was drained always has room for one more
/// even while the consumer keeps up to an eighth of the credits to itself.
constexpr std::uint32_t record_payload_bytes_max(std::uint32_t ring_bytes) noexcept {
  return ring_bytes / 4 - static_cast<std::uint32_t>(sizeof(protocol::FrameHeader));
}
constexpr std::uint64_t credit_step_bytes(std::uint32_t ring_bytes) noexcept {
  return ring_bytes / 8;
}
static_assert(record_bytes(record_payload_bytes_max(kRingBytesMin)) == kRingBytesMin / 4);
static_assert(2 * record_bytes(record_payload_bytes_max(kRingBytesMin)) + kGranuleBytes <=
              kRingBytesMin - credit_step_bytes(kRingBytesMin));

/// The commit word of the record at `position`: never zero, and different in every lap for 2^31
/// granules, so a consumer that is out of step reads a violation and not an old record.
constexpr std::uint32_t lap_tag(std::uint64_t position) noexcept {
  return static_cast<std::uint32_t>(position / kGranuleBytes) | 0x8000'0000u;
}

/// A segment this process owns and may write. A view: whoever made it keeps the memory alive.
struct SegmentMemory {
  ControlPage* page = nullptr;
  std::byte* ring = nullptr;
  std::uint32_t ring_bytes = 0;
};

/// The other side's segment. Its bytes change at any time and are not to be trusted.
struct PeerMemory {
  const ControlPage* page = nullptr;
  const std::byte* ring = nullptr;
  std::uint32_t ring_bytes = 0;

  PeerMemory() noexcept = default;
  PeerMemory(const ControlPage* control, const std::byte* records, std::uint32_t bytes) noexcept
      : page(control), ring(records), ring_bytes(bytes) {}
  /// Both ends of one connection in one process (tests; ThreadSanitizer does not see that two
  /// mappings are the same memory). Implicit on purpose.
  PeerMemory(const SegmentMemory& memory) noexcept
      : page(memory.page), ring(memory.ring), ring_bytes(memory.ring_bytes) {}
};

}  // namespace mcpwire::ring
