// SPDX-License-Identifier: MIT
//
// The built programs as an ordinary user has them, who can raise no limit: little locked memory,
// few descriptors, no memory files, no seals. Calls are served, one warning names what is missing.
#include "tests/process/degraded_fixture.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;

class OrdinaryUserTest : public DegradedFixture {
 protected:
  /// False, and the test skipped, where that user may not reach the built programs.
  bool start_daemon(const Words& limits) {
    user_ = as_ordinary_user();
    Words how = limits;
    how.insert(how.end(), user_.begin(), user_.end());
    const int exit_code = run_confined(how, {"daemon", "start"}).exit_code;
    if (exit_code == 126) return false;
    EXPECT_EQ(exit_code, 0) << log();
    return true;
  }
  Finished run_as_user(const Words& arguments) { return run_confined(user_, arguments); }
  Finished echo() { return run_as_user({"call", "demo/echo", kEcho}); }
  void TearDown() override { run_as_user({"daemon", "stop"}); }

  /// A client of that user that says nothing: the kernel notes whose it is when it connects.
  UniqueFd connect_silently() {
    const std::string path = environment["MCPWIRE_RUNTIME_DIR"] + "/daemon.sock";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const uid_t own = ::geteuid();
    if (!user_.empty()) EXPECT_EQ(::seteuid(kNobody), 0);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    EXPECT_EQ(::seteuid(own), 0);
    return socket;
  }

  Words user_;
};

#define SKIP_UNLESS(started) \
  if (!(started)) GTEST_SKIP() << "that user may not reach the built programs"

TEST_F(OrdinaryUserTest, SixtyFourKibibytesOfLockedMemoryAreEnoughAndTheLogNamesTheLimit) {
  SKIP_UNLESS(start_daemon({"memlock=65536", "nofile=1024"}));
  const Finished call = echo();
  EXPECT_EQ(call.out, "hi\n");
  EXPECT_EQ(call.err, "");
  EXPECT_EQ(count(log(), "RLIMIT_MEMLOCK"), 1U) << log();
}

TEST_F(OrdinaryUserTest, WithoutLockedMemoryEpollServesAndTheWarningNamesTheLimit) {
  SKIP_UNLESS(start_daemon({"memlock=0", "nofile=1024"}));
  EXPECT_EQ(echo().out, "hi\n");
  if (count(log(), "epoll serves") == 0) GTEST_SKIP() << "this kernel asks for no locked memory";
  const std::string status = run_as_user({"daemon", "status"}).out;
  EXPECT_THAT(status, HasSubstr("RLIMIT_MEMLOCK"));
  EXPECT_THAT(status, HasSubstr("0 KiB"));
  EXPECT_EQ(count(log(), "RLIMIT_MEMLOCK"), 1U) << log();
}

TEST_F(OrdinaryUserTest, TheUsualLimitOfDescriptorsIsEnough) {
  SKIP_UNLESS(start_daemon({"nofile=1024"}));
  const Finished call = echo();
  EXPECT_EQ(call.out, "hi\n");
  EXPECT_EQ(call.err, "");
  EXPECT_EQ(count(log(), "WARN"), 0U) << log();
}

/// Root could raise the limit again.
TEST_F(OrdinaryUserTest, ACrowdThatTakesAllDescriptorsIsSurvivedAndTheLogSaysOnceWhatIsMissing) {
  SKIP_UNLESS(start_daemon({"nofile=64"}));
  EXPECT_THAT(run_as_user({"daemon", "status"}).out, HasSubstr("only 64 open files"));
  std::vector<UniqueFd> crowd;
  for (int i = 0; i < 64; ++i) crowd.push_back(connect_silently());
  // Those for whom there was no descriptor see the end; the daemon has looked at them all then.
  char byte = 0;
  EXPECT_EQ(::recv(crowd.back().get(), &byte, 1, 0), 0);
  crowd.clear();
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(call.out, "hi\n");
  EXPECT_EQ(count(log(), "only 64 open files"), 1U) << log();
  EXPECT_EQ(count(log(), "no descriptor is left"), 1U) << log();
}

struct Lack {
  const char* name;
  const char* how;
  const char* because;
};
class LackingMemoryTest : public OrdinaryUserTest, public ::testing::WithParamInterface<Lack> {};

INSTANTIATE_TEST_SUITE_P(
    Kernels, LackingMemoryTest,
    ::testing::Values(Lack{"NoMemoryFiles", "no-memfd", "memfd_create: Operation not permitted"},
                      Lack{"NoSeal", "no-future-write", "F_ADD_SEALS: Invalid argument"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_P(LackingMemoryTest, TheSocketServesAndTheLogSaysOnceWhatIsMissing) {
  SKIP_UNLESS(start_daemon({GetParam().how}));
  for (int i = 0; i < 3; ++i) {
    const Finished call = echo();
    EXPECT_EQ(call.out, "hi\n");
    expect_one_warning(call, "the daemon has none to give");
  }
  EXPECT_EQ(count(log(), "no shared memory"), 1U) << log();
  EXPECT_THAT(log(), HasSubstr(GetParam().because));
}

}  // namespace
}  // namespace mcpwire::test
