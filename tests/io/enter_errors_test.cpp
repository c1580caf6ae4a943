// SPDX-License-Identifier: MIT
//
// io_uring_enter that fails now and then (EINTR, EBUSY, EAGAIN), as it may at any time: the loop's
// thread has a filter that asks this test for the answer to each call.
#include "tests/io/loop_fixture.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <cstddef>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace mcpwire::io {
namespace {

/// From here on each io_uring_enter of this thread waits for the holder of the descriptor.
UniqueFd supervise_own_enters() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = 4, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return UniqueFd();
  return UniqueFd(static_cast<int>(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter)));
}

/// Answers with these errors in turn, over and over; 0 lets the call through. Until the thread
/// ends.
std::size_t answer_enters(const UniqueFd& listener, const std::vector<int>& errors) {
  std::size_t failed = 0;
  for (std::size_t call = 0;; ++call) {
    pollfd waiting{listener.get(), POLLIN, 0};
    while (::poll(&waiting, 1, -1) < 0) {
    }
    if ((waiting.revents & POLLIN) == 0) return failed;
    seccomp_notif asked{};
    if (ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
    const int error = errors[call % errors.size()];
    seccomp_notif_resp answer{};
    answer.id = asked.id;
    answer.error = -error;
    answer.flags = error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    if (error != 0) ++failed;
    ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

void talk_through_pipes(const std::string& text, std::string& seen, std::size_t& written) {
  ignore_write_signals();
  const std::unique_ptr<Loop> loop = Loop::create({.backend = BackendKind::kUring}).value();
  Pipe pipe = make_pipe();
  RecordingSink sink;
  RecordingCompletion completion;
  FdReader reader(*loop, std::move(pipe.read_end), TrafficClass::kBulk);
  FdWriter writer(*loop, std::move(pipe.write_end));
  reader.start(sink);
  writer.write(as_bytes(text), completion);
  // With a deadline in each turn, so that waits with and without one are failed.
  while (completion.calls == 0) loop->run_once(kNanosecondsPerSecond);
  writer.close();
  while (!sink.end.has_value()) loop->run_once(kNever);
  seen = sink.text;
  written = completion.written;
}

TEST(EnterErrorsTest, FailedEntersLoseNothing) {
  const std::string text = pattern(500'000);
  std::string seen;
  std::size_t written = 0;
  std::promise<UniqueFd> listener;
  std::thread thread([&] {
    UniqueFd own = supervise_own_enters();
    const bool is_supervised = static_cast<bool>(own);
    listener.set_value(std::move(own));
    if (is_supervised) talk_through_pipes(text, seen, written);
  });
  const UniqueFd supervisor = listener.get_future().get();
  std::size_t failed = 0;
  if (supervisor) failed = answer_enters(supervisor, {EINTR, EBUSY, 0, EAGAIN, 0, EBUSY, EBUSY, 0});
  thread.join();
  if (!supervisor) GTEST_SKIP() << "this system takes no such filter";
  EXPECT_GT(failed, 10U);
  EXPECT_EQ(written, text.size());
  EXPECT_EQ(seen, text);
}

}  // namespace
}  // namespace mcpwire::io
