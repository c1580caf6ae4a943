// SPDX-License-Identifier: MIT
#include "ring/segment.hpp"

#include "ring/detail/memory_file.hpp"

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace mcpwire::ring {

using detail::MapMode;
using detail::Mapping;

OwnedSegment::OwnedSegment(UniqueFd fd, Mapping mapping, std::uint32_t ring_bytes) noexcept
    : fd_(std::move(fd)), mapping_(std::move(mapping)), ring_bytes_(ring_bytes) {}

PeerSegment::PeerSegment(Mapping mapping, std::uint32_t ring_bytes) noexcept
    : mapping_(std::move(mapping)), ring_bytes_(ring_bytes) {}

Result<OwnedSegment> OwnedSegment::create(SegmentOptions options) {
  if (!is_ring_bytes(options.ring_bytes)) {
    return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified,
                "ring_bytes must be a power of two from 4 KiB to 1 MiB");
  }
  const std::size_t bytes = segment_bytes(options.ring_bytes);
  UniqueFd fd = TRY(detail::create_memory_file("mcpwire-ring", options.no_exec_seal));
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "ftruncate"));
  }
  Mapping mapping = TRY(Mapping::create(fd.get(), bytes, MapMode::kSharedReadWrite));
  mapping.populate(kPopulatedBytes, MapMode::kSharedReadWrite);
  // Sealed after our own mapping was made: F_SEAL_FUTURE_WRITE spares only existing ones.
  TRY(detail::seal_memory_file(fd.get(), detail::one_writer_seals()));
  OwnedSegment segment(std::move(fd), std::move(mapping), options.ring_bytes);
  segment.memory().page->constants = make_constants(options.ring_bytes);
  return segment;
}

SegmentMemory OwnedSegment::memory() const noexcept {
  return {reinterpret_cast<ControlPage*>(mapping_.data()), mapping_.data() + kControlBytes,
          ring_bytes_};
}

Result<PeerSegment> PeerSegment::attach(UniqueFd fd, std::uint32_t ring_bytes) {
  if (!is_ring_bytes(ring_bytes)) return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  const std::size_t bytes = segment_bytes(ring_bytes);
  TRY(detail::check_memory_file(fd.get(), detail::one_writer_seals(), bytes));
  Mapping mapping = TRY(Mapping::create(fd.get(), bytes, MapMode::kSharedReadOnly));
  mapping.populate(kPopulatedBytes, MapMode::kSharedReadOnly);
  PeerSegment segment(std::move(mapping), ring_bytes);
  // Copied once and never read again: the peer can change them at any time.
  const auto constants =
      load_object<SegmentConstants>({segment.mapping_.data(), sizeof(SegmentConstants)});
  if (constants != make_constants(ring_bytes)) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  }
  return segment;
}

PeerMemory PeerSegment::memory() const noexcept {
  return {reinterpret_cast<const ControlPage*>(mapping_.data()), mapping_.data() + kControlBytes,
          ring_bytes_};
}

}  // namespace mcpwire::ring
