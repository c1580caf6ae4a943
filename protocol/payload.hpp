// SPDX-License-Identifier: MIT
//
// Payload: where the bytes of one message are. Inline in the frame, or in a memory file that both
// sides map (flag::kMapped); in the second case the frame carries a 24-byte MappedDescriptor.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/request_header.hpp"

#include <cstdint>
#include <variant>

namespace mcpwire::protocol {

/// The wire form of a mapped payload, on rings and on the socket alike.
struct MappedDescriptor {
  std::uint32_t slab;        ///< The memory file, announced by a MemoryEvent of this connection.
  std::uint32_t generation;  ///< Tells reuses of one slab number apart.
  std::uint64_t offset;      ///< First byte of the payload in the file.
  std::uint64_t length;      ///< Bytes of the payload.
};
static_assert(sizeof(MappedDescriptor) == 24);
static_assert(WireStruct<MappedDescriptor>);

/// Bytes that travel in the frame.
struct InlinePayload {
  ByteSpan bytes;
};

/// Bytes that stay in a memory file.
struct MmapPayload {
  MappedDescriptor descriptor;
};

using Payload = std::variant<InlinePayload, MmapPayload>;

/// What a frame's bytes stand for, told by its flags. REQUIRES: the header was checked
/// (check_header), so that a mapped payload has the size of a descriptor; `bytes` are private.
inline Payload payload_of(const RequestHeader& header, ByteSpan bytes) noexcept {
  if ((header.flags & flag::kMapped) == 0) return InlinePayload{bytes};
  return MmapPayload{load_object<MappedDescriptor>(bytes)};
}

/// True if [offset, offset + length) lies inside a file of `file_bytes`, without overflow.
constexpr bool descriptor_fits(const MappedDescriptor& descriptor,
                               std::uint64_t file_bytes) noexcept {
  return descriptor.offset <= file_bytes && descriptor.length <= file_bytes - descriptor.offset;
}

}  // namespace mcpwire::protocol
