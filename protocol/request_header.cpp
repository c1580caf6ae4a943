// SPDX-License-Identifier: MIT
#include "protocol/request_header.hpp"

#include "protocol/payload.hpp"

namespace mcpwire::protocol {

HeaderFault check_header(const RequestHeader& header, std::uint32_t payload_bytes_max) noexcept {
  if (header.magic != kMagic) return HeaderFault::kMagic;
  if (header.version != kWireVersion) return HeaderFault::kVersion;
  if ((header.flags & ~flag::kDefined) != 0) return HeaderFault::kReservedBits;
  const FrameKind kind = kind_of(header.flags);
  if (kind == FrameKind::kPad || kind > FrameKind::kError) return HeaderFault::kKind;
  if (header.method == 0 || header.method > kMethodMax) return HeaderFault::kMethod;
  const auto outcome = static_cast<std::uint8_t>(outcome_of(header.flags));
  if (outcome > kOutcomeMax) return HeaderFault::kOutcome;
  const bool is_answer = kind == FrameKind::kResponse || kind == FrameKind::kError;
  if (!is_answer && outcome != 0) return HeaderFault::kOutcome;
  if (header.payload_len > payload_bytes_max) return HeaderFault::kLength;
  if ((header.flags & flag::kMapped) != 0 && header.payload_len != sizeof(MappedDescriptor)) {
    return HeaderFault::kMappedLength;
  }
  return HeaderFault::kOk;
}

const char* header_fault_text(HeaderFault fault) noexcept {
  switch (fault) {
    case HeaderFault::kOk:
      return "ok";
    case HeaderFault::kMagic:
      return "wrong magic";
    case HeaderFault::kVersion:
      return "unsupported version";
    case HeaderFault::kReservedBits:
      return "reserved flag bits set";
    case HeaderFault::kKind:
      return "unknown frame kind";
    case HeaderFault::kMethod:
      return "unknown method";
    case HeaderFault::kOutcome:
      return "impossible outcome";
    case HeaderFault::kLength:
      return "payload over the limit";
    case HeaderFault::kMappedLength:
      return "mapped payload without a descriptor";
  }
  return "unknown fault";
}

}  // namespace mcpwire::protocol
