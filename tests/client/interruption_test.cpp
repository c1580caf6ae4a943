// SPDX-License-Identifier: MIT
#include "client/detail/interruption.hpp"

#include "protocol/base/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mcpwire::client::detail {
namespace {

class InterruptionTest : public ::testing::Test {
 protected:
  /// Two ends of a socket: unlike a pipe's, its end of file counts as readable.
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    source_.reset(ends[0]);
    caller_.reset(ends[1]);
  }
  Interruption take() const { return take_interruption({source_.get()}); }

  UniqueFd source_;
  UniqueFd caller_;
};

TEST_F(InterruptionTest, AnEventIsTakenOnce) {
  EXPECT_EQ(take(), Interruption::kNone);
  ASSERT_EQ(::write(caller_.get(), "x", 1), 1);
  EXPECT_EQ(take(), Interruption::kTaken);
  EXPECT_EQ(take(), Interruption::kNone);
}

TEST_F(InterruptionTest, ASourceWhoseOtherEndIsClosedInterruptsNobody) {
  caller_.reset();
  EXPECT_EQ(take(), Interruption::kClosed);
  EXPECT_EQ(wait_readable(-1, monotonic_now_ns() + kNanosecondsPerMillisecond, {source_.get()}),
            WaitEnd::kTimeout);
}

TEST_F(InterruptionTest, NoSourceNeverSpeaks) {
  EXPECT_EQ(take_interruption({}), Interruption::kNone);
}

}  // namespace
}  // namespace mcpwire::client::detail
