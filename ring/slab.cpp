// SPDX-License-Identifier: MIT
#include "ring/slab.hpp"

#include "protocol/base/check.hpp"
#include "ring/detail/memory_file.hpp"

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace mcpwire::ring {

using detail::MapMode;
using detail::Mapping;

Result<OwnedSlab> OwnedSlab::create(std::uint64_t bytes, KernelAbility no_exec_seal) {
  MCPWIRE_CHECK(bytes != 0 && slab_class_bytes(bytes) == bytes);
  UniqueFd fd = TRY(detail::create_memory_file("mcpwire-slab", no_exec_seal));
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "ftruncate"));
  }
  Mapping mapping =
      TRY(Mapping::create(fd.get(), static_cast<std::size_t>(bytes), MapMode::kSharedReadWrite));
  // Sealed after our own mapping was made: F_SEAL_FUTURE_WRITE spares only existing ones.
  TRY(detail::seal_memory_file(fd.get(), detail::one_writer_seals()));
  return OwnedSlab(std::move(fd), std::move(mapping));
}

void OwnedSlab::populate(std::size_t bytes) noexcept {
  if (bytes <= populated_bytes_) return;
  mapping_.populate(populated_bytes_, bytes - populated_bytes_, MapMode::kSharedReadWrite);
  populated_bytes_ = bytes;
}

}  // namespace mcpwire::ring
