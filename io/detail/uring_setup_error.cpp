// SPDX-License-Identifier: MIT
#include "io/detail/uring_setup_error.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <string>

namespace mcpwire::io::detail {

namespace {

Error locked_memory_error() {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  return Error::with_detail(
      ErrorKind::kOverloaded, ErrorCode::kOutOfMemory,
      "io_uring finds no locked memory: the limit is " + std::to_string(limit.rlim_cur / 1024) +
          " KiB for all processes of this user (RLIMIT_MEMLOCK, `ulimit -l`), mcpwire needs 64");
}

}  // namespace

Error setup_error(int error) {
  switch (error) {
    case EPERM:
    case ENOSYS:
    case EACCES:
      return Error::with_detail(
          ErrorKind::kUnsupported, ErrorCode::kSystemCall,
          "io_uring is forbidden here: io_uring_setup failed with " +
              std::string(error == ENOSYS  ? "ENOSYS"
                          : error == EPERM ? "EPERM"
                                           : "EACCES") +
              ". Either the setting kernel.io_uring_disabled is not 0 (see `sysctl "
              "kernel.io_uring_disabled`), or a seccomp profile blocks it, as Docker's and "
              "containerd's default profiles do");
    case EINVAL:
      return Error::with_detail(ErrorKind::kUnsupported, ErrorCode::kSystemCall,
                                "this kernel's io_uring is too old: mcpwire needs Linux 6.1");
    case ENOMEM:
      return locked_memory_error();
    default:
      return Error::from_errno(ErrorKind::kInternal, error, "io_uring_setup");
  }
}

}  // namespace mcpwire::io::detail
