// SPDX-License-Identifier: MIT
#include "protocol/base/unique_fd.hpp"

#include <unistd.h>

namespace mcpwire {

void UniqueFd::reset(int fd) noexcept {
  // EINTR must not be retried on Linux: the descriptor is gone either way, close(2).
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace mcpwire
