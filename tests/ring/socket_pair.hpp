// SPDX-License-Identifier: MIT
//
// A connected pair of control sockets for tests.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

namespace mcpwire::ring {

struct SocketPair {
  SocketPair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    near.reset(ends[0]);
    far.reset(ends[1]);
  }
  UniqueFd near;
  UniqueFd far;
};

}  // namespace mcpwire::ring
