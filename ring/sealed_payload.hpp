// SPDX-License-Identifier: MIT
//
// One-shot large payloads: a memory file that nobody can change any more, its sender included, so
// the receiver parses it in place. About 0.4 ms per MiB to fill (fresh pages), which is why it is
// for payloads that no ring takes.
//
// Threading: values of one thread; the mapped bytes may be shared freely, they never change.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/detail/mapping.hpp"
#include "ring/kernel_ability.hpp"

#include <cstdint>

namespace mcpwire::ring {

/// A memory file with the bytes of `head` and `body`, sealed against any change. kTooLarge above
/// protocol::kMessageBytesMax, kInvalid if empty, kOverloaded when memory or descriptors run out.
Result<UniqueFd> create_sealed(ByteSpan head, ByteSpan body,
                               KernelAbility no_exec_seal = KernelAbility::kUseIfPresent);

class SealedMapping {
 public:
  /// Maps a memory file that the peer sent; the descriptor is closed in any case.
  /// kInvalid/kProtocolViolation unless it has exactly `bytes` bytes and all four seals.
  static Result<SealedMapping> map(UniqueFd fd, std::uint64_t bytes);

  ByteSpan bytes() const noexcept { return {mapping_.data(), mapping_.size()}; }
  detail::Mapping take() && noexcept { return std::move(mapping_); }

 private:
  explicit SealedMapping(detail::Mapping mapping) noexcept : mapping_(std::move(mapping)) {}

  detail::Mapping mapping_;
};

}  // namespace mcpwire::ring
