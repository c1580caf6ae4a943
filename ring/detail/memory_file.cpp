// SPDX-License-Identifier: MIT
#include "ring/detail/memory_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

// Newer than the headers of Debian 12.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

namespace mcpwire::ring::detail {

int one_writer_seals() noexcept {
  return F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
}

int immutable_seals() noexcept { return F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL; }

Result<UniqueFd> create_memory_file(const char* name, KernelAbility no_exec_seal) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd;
  if (no_exec_seal == KernelAbility::kUseIfPresent) {
    fd.reset(::memfd_create(name, kFlags | MFD_NOEXEC_SEAL));
    if (!fd && errno != EINVAL) {
      return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "memfd_create"));
    }
  }
  if (!fd) fd.reset(::memfd_create(name, kFlags));  // Kernels before 6.3.
  if (!fd) {
    const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
    return fail(Error::from_errno(exhausted ? ErrorKind::kOverloaded : ErrorKind::kUnsupported,
                                  errno, "memfd_create"));
  }
  return fd;
}

Result<void> seal_memory_file(int fd, int seals) {
  if (::fcntl(fd, F_ADD_SEALS, seals) != 0) {
    return fail(Error::from_errno(ErrorKind::kUnsupported, errno, "F_ADD_SEALS"));
  }
  return {};
}

Result<void> check_memory_file(int fd, int seals, std::uint64_t bytes) {
  const auto refuse = [] { return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation); };
  // Only memory files answer; pipes, sockets and files of other kinds give EINVAL.
  const int present = ::fcntl(fd, F_GET_SEALS);
  if (present < 0 || (present & seals) != seals) return refuse();
  // Huge pages have seals too, but reading them can still fault when the pool is empty.
  struct statfs file_system{};
  if (::fstatfs(fd, &file_system) != 0 || file_system.f_type != TMPFS_MAGIC) return refuse();
  struct stat status{};
  if (::fstat(fd, &status) != 0 || status.st_size < 0) return refuse();
  if (static_cast<std::uint64_t>(status.st_size) != bytes) return refuse();
  return {};
}

}  // namespace mcpwire::ring::detail
