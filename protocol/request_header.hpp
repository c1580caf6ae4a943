// SPDX-License-Identifier: MIT
//
// RequestHeader and FrameHeader: the first bytes of everything that crosses between two of our
// processes. Layout, drawing, worked example and versioning rules: protocol/FRAME.md; golden
// bytes: tests/protocol/golden_test.cpp.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/methods.hpp"
#include "protocol/outcome.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mcpwire::protocol {

inline constexpr std::array<char, 4> kMagic = {'M', 'C', 'P', 'W'};
inline constexpr std::uint32_t kWireVersion = 1;

/// What a frame is. Zero is left for the padding record of a ring, which never leaves it.
enum class FrameKind : std::uint32_t {
  kPad = 0,
  kRequest = 1,
  kResponse = 2,
  kEvent = 3,
  kError = 4,
};

/// Bits of RequestHeader::flags. All others are zero and are checked to be zero.
namespace flag {
inline constexpr std::uint32_t kKindMask = 0x0000'000f;
inline constexpr std::uint32_t kMore = 0x0000'0010;    ///< Another frame continues this payload.
inline constexpr std::uint32_t kMapped = 0x0000'0020;  ///< The payload is a MappedDescriptor.
inline constexpr std::uint32_t kOutcomeMask = 0x0000'0f00;
inline constexpr std::uint32_t kOutcomeShift = 8;
inline constexpr std::uint32_t kDefined = kKindMask | kMore | kMapped | kOutcomeMask;
}  // namespace flag

/// The mission's header: 20 bytes, little-endian.
struct RequestHeader {
  std::array<char, 4> magic;  ///< "MCPW".
  std::uint32_t version;      ///< kWireVersion of the sender after negotiation.
  std::uint32_t flags;        ///< See namespace flag.
  std::uint32_t method;       ///< See enum Method.
  std::uint32_t payload_len;  ///< Bytes behind the frame header in this frame.

  bool operator==(const RequestHeader&) const = default;
};
static_assert(sizeof(RequestHeader) == 20);
static_assert(alignof(RequestHeader) == 4);
static_assert(offsetof(RequestHeader, magic) == 0);
static_assert(offsetof(RequestHeader, version) == 4);
static_assert(offsetof(RequestHeader, flags) == 8);
static_assert(offsetof(RequestHeader, method) == 12);
static_assert(offsetof(RequestHeader, payload_len) == 16);
static_assert(WireStruct<RequestHeader>);

/// What stands before every payload: the header, the ring's commit word, the correlation id.
struct FrameHeader {
  RequestHeader request;
  std::uint32_t commit;       ///< Lap tag in a ring (ring/spsc_ring.hpp); zero on the socket.
  std::uint64_t correlation;  ///< Minted by the requester; 0 where no answer is expected.
};
static_assert(sizeof(FrameHeader) == 32);
static_assert(alignof(FrameHeader) == 8);
static_assert(offsetof(FrameHeader, commit) == 20);
static_assert(offsetof(FrameHeader, correlation) == 24);
static_assert(WireStruct<FrameHeader>);

/// Largest frame (header and payload) in one socket message; larger payloads are sent as several
/// frames with flag::kMore, or mapped.
inline constexpr std::uint32_t kSocketFrameBytesMax = 64 * 1024;
inline constexpr std::uint32_t kInlinePayloadBytesMax = kSocketFrameBytesMax - sizeof(FrameHeader);

/// Largest payload of one message, however it travels.
inline constexpr std::uint64_t kMessageBytesMax = 256ull * 1024 * 1024;

constexpr FrameKind kind_of(std::uint32_t flags) noexcept {
  return static_cast<FrameKind>(flags & flag::kKindMask);
}
constexpr Outcome outcome_of(std::uint32_t flags) noexcept {
  return static_cast<Outcome>((flags & flag::kOutcomeMask) >> flag::kOutcomeShift);
}
constexpr std::uint32_t make_flags(FrameKind kind, Outcome outcome = Outcome::kNone) noexcept {
  return static_cast<std::uint32_t>(kind) |
         (static_cast<std::uint32_t>(outcome) << flag::kOutcomeShift);
}

/// A header of this build's version. `payload_len` is filled in by whoever frames the payload.
constexpr RequestHeader make_header(FrameKind kind, Method method,
                                    Outcome outcome = Outcome::kNone) noexcept {
  return {kMagic, kWireVersion, make_flags(kind, outcome), static_cast<std::uint32_t>(method), 0};
}

/// Why a header is refused; kOk means every rule of FRAME.md section 3 holds.
enum class HeaderFault : std::uint8_t {
  kOk = 0,
  kMagic,
  kVersion,
  kReservedBits,
  kKind,
  kMethod,
  kOutcome,
  kLength,
  kMappedLength,
};

/// Checks a private copy of a header. `payload_bytes_max` is the carrier's limit.
HeaderFault check_header(const RequestHeader& header, std::uint32_t payload_bytes_max) noexcept;

/// Text of a fault for logs.
const char* header_fault_text(HeaderFault fault) noexcept;

}  // namespace mcpwire::protocol
