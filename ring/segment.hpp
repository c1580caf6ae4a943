// SPDX-License-Identifier: MIT
//
// OwnedSegment and PeerSegment: the memory of one end of a connection. Each process creates its
// own segment, which the peer can only read: what we published cannot be changed behind our back,
// and our indices are ours (docs/adr/0005).
//
// Threading: values of one thread; the memory they show is shared with the peer.
// Memory: pages come into being when they are first touched, at most kPopulatedBytes of them at
// creation. A sealed file cannot give single pages back: drop the segment when a connection idles.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/detail/mapping.hpp"
#include "ring/kernel_ability.hpp"
#include "ring/segment_layout.hpp"

#include <cstdint>

namespace mcpwire::ring {

/// The control page and rings up to 64 KiB are faulted in at once; larger rings as they are used.
inline constexpr std::uint32_t kPopulatedBytes = kControlBytes + 64 * 1024;

struct SegmentOptions {
  std::uint32_t ring_bytes = 64 * 1024;  ///< A power of two, kRingBytesMin to kRingBytesMax.
  KernelAbility no_exec_seal = KernelAbility::kUseIfPresent;
};

class OwnedSegment {
 public:
  /// kInvalid for a bad ring_bytes, kOverloaded or kUnsupported when the kernel refuses memory.
  static Result<OwnedSegment> create(SegmentOptions options);

  SegmentMemory memory() const noexcept;
  /// To be sent to the peer. -1 after close_fd().
  int fd() const noexcept { return fd_.get(); }
  /// The mapping needs no descriptor; an idle connection should not hold one.
  void close_fd() noexcept { fd_.reset(); }

 private:
  OwnedSegment(UniqueFd fd, detail::Mapping mapping, std::uint32_t ring_bytes) noexcept;

  UniqueFd fd_;
  detail::Mapping mapping_;
  std::uint32_t ring_bytes_;
};

class PeerSegment {
 public:
  /// Maps a segment that the peer sent. `ring_bytes` is what the handshake announced. The
  /// descriptor is closed in any case. kInvalid/kProtocolViolation unless it is a memory file of
  /// exactly this size, sealed against resizing, writing by others and further seals, with the
  /// constants of this layout.
  static Result<PeerSegment> attach(UniqueFd fd, std::uint32_t ring_bytes);

  PeerMemory memory() const noexcept;

 private:
  PeerSegment(detail::Mapping mapping, std::uint32_t ring_bytes) noexcept;

  detail::Mapping mapping_;
  std::uint32_t ring_bytes_;
};

}  // namespace mcpwire::ring
