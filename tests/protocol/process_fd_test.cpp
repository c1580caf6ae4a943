// SPDX-License-Identifier: MIT
#include "protocol/base/process_fd.hpp"

#include "protocol/base/seams/clock.hpp"

#include <gmock/gmock.h>

#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace mcpwire {
namespace {

/// A child that lives until the write end of its pipe is closed.
struct Child {
  Child() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    UniqueFd read_end(ends[0]);
    life = UniqueFd(ends[1]);
    process_id = ::fork();
    if (process_id == 0) {
      life.reset();
      char byte = 0;
      static_cast<void>(::read(read_end.get(), &byte, 1));
      ::_exit(0);
    }
  }
  void reap() { EXPECT_EQ(::waitpid(process_id, nullptr, 0), process_id); }

  UniqueFd life;
  pid_t process_id = -1;
};

TEST(ProcessFdTest, EndsItsWaitWithTheProcess) {
  Child child;
  const UniqueFd process = open_process(child.process_id);
  ASSERT_TRUE(process);
  EXPECT_FALSE(wait_for_process_end(process, 0));
  child.life.reset();
  EXPECT_TRUE(wait_for_process_end(process, 60 * kNanosecondsPerSecond));
  child.reap();
  EXPECT_TRUE(wait_for_process_end(process, kNever)) << "the descriptor outlives the process id";
}

TEST(ProcessFdTest, IsEmptyForAProcessThatIsGone) {
  Child child;
  child.life.reset();
  child.reap();
  const UniqueFd nobody = open_process(child.process_id);
  EXPECT_FALSE(nobody);
  EXPECT_TRUE(wait_for_process_end(nobody, kNever)) << "it has ended";
}

}  // namespace
}  // namespace mcpwire
