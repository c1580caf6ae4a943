// SPDX-License-Identifier: MIT
//
// Which backend a loop gets, and what it says where io_uring is refused.
#include "io/backend_kind.hpp"
#include "tests/io/loop_fixture.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <cerrno>
#include <cstddef>

namespace mcpwire::io {
namespace {

TEST(BackendChoiceTest, WithoutAWishItIsIoUringAndNothingIsSaid) {
  const std::unique_ptr<Loop> loop = Loop::create().value();
  EXPECT_EQ(loop->backend_name(), "io_uring");
  EXPECT_EQ(loop->backend_warning(), "");
}

TEST(BackendChoiceTest, EpollThatWasAskedForIsWarnedOf) {
  const std::unique_ptr<Loop> loop = Loop::create({.backend = BackendKind::kEpoll}).value();
  EXPECT_EQ(loop->backend_name(), "epoll");
  EXPECT_NE(loop->backend_warning().find("asked for"), std::string::npos);
  EXPECT_FALSE(loop->features().has(KernelFeature::kReadMultishot));
}

TEST(BackendChoiceTest, NamesAreParsed) {
  EXPECT_EQ(parse_backend_kind("").value(), BackendKind::kAutomatic);
  EXPECT_EQ(parse_backend_kind("auto").value(), BackendKind::kAutomatic);
  EXPECT_EQ(parse_backend_kind("io_uring").value(), BackendKind::kUring);
  EXPECT_EQ(parse_backend_kind("epoll").value(), BackendKind::kEpoll);
  const Result<BackendKind> unknown = parse_backend_kind("select");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().kind, ErrorKind::kConfiguration);
  EXPECT_NE(unknown.error().message().find(kIoBackendVariable), std::string::npos);
}

// What Docker's default seccomp profile does, with the error of one's choice.
bool refuse_io_uring(unsigned error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = 4, .filter = program};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool names_what_forbids_it(const std::string& message, const char* error) {
  for (const char* word : {error, "kernel.io_uring_disabled", "seccomp"}) {
    if (message.find(word) == std::string::npos) return false;
  }
  return true;
}

/// 0 if everything is as it should be.
int try_without_io_uring(unsigned refusal, const char* name) {
  if (!refuse_io_uring(refusal)) return 1;
  const Result<std::unique_ptr<Loop>> strict = Loop::create({.backend = BackendKind::kUring});
  if (strict.has_value() || strict.error().kind != ErrorKind::kUnsupported) return 2;
  if (!names_what_forbids_it(strict.error().message(), name)) return 3;
  Result<std::unique_ptr<Loop>> loop = Loop::create();
  if (!loop.has_value() || (*loop)->backend_name() != "epoll") return 4;
  if (!names_what_forbids_it((*loop)->backend_warning(), name)) return 5;
  Pipe pipe = make_pipe();
  RecordingSink sink;
  FdReader reader(**loop, std::move(pipe.read_end), TrafficClass::kBulk);
  reader.start(sink);
  if (write(pipe.write_end.get(), "served", 6) != 6) return 6;
  while (sink.text.size() < 6) (*loop)->run_once(kNever);
  return sink.text == "served" ? 0 : 7;
}

TEST(BackendChoiceDeathTest, WhereIoUringIsRefusedEpollServesAndSaysWhy) {
  EXPECT_EXIT(_exit(try_without_io_uring(EPERM, "EPERM")), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(try_without_io_uring(ENOSYS, "ENOSYS")), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(_exit(try_without_io_uring(EACCES, "EACCES")), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mcpwire::io
