// SPDX-License-Identifier: MIT
//
// The built programs where the system gives less than they ask for: no memory files, no seals, no
// io_uring, few descriptors, no locked memory. Calls are served, one warning names what is missing,
// nothing hangs.
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kEcho = R"({"message":"hi"})";

class DegradedTest : public CliFixture {
 protected:
  using Words = std::vector<std::string>;

  DegradedTest() { use_demo_server(); }

  /// `mcpwire` with these arguments, in poorer surroundings.
  Finished run_confined(const Words& how, const Words& arguments) {
    Words words = how;
    words.emplace_back("--");
    words.push_back(program("mcpwire"));
    words.insert(words.end(), arguments.begin(), arguments.end());
    Launch launch;
    launch.program = "../tests/confined";
    return run(words, launch);
  }

  std::string log() { return read_file(environment["MCPWIRE_RUNTIME_DIR"] + "/daemon.log"); }

  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++found;
    }
    return found;
  }

  void expect_one_warning(const Finished& finished, const std::string& because) {
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(count(finished.err, "warning"), 1U) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(because));
  }

  void expect_large_answers() {
    const std::string large(300'000, 'x');
    Launch launch;
    launch.input = R"({"message":")" + large + "\"}";
    const Finished call = run({"call", "demo/echo"}, launch);
    EXPECT_EQ(call.exit_code, 0) << call.err;
    EXPECT_EQ(call.out, large + "\n");
  }

  /// The daemon alone lacks something; its clients do not.
  void expect_served_by_a_poor_daemon(const std::string& how, const std::string& because) {
    run_confined({how}, {"daemon", "start"});
    for (int i = 0; i < 3; ++i) {
      const Finished call = run({"call", "demo/echo", kEcho});
      EXPECT_EQ(call.out, "hi\n");
      expect_one_warning(call, "the daemon has none to give");
    }
    expect_large_answers();
    EXPECT_EQ(count(log(), "no shared memory"), 1U) << log();
    EXPECT_THAT(log(), HasSubstr(because));
    EXPECT_THAT(run({"daemon", "status"}).out, HasSubstr("violations 0"));
  }

  /// The client alone lacks something; its daemon does not.
  void expect_poor_client_is_served(const std::string& how, const std::string& because) {
    run({"daemon", "start"});
    const Finished call = run_confined({how}, {"call", "demo/echo", kEcho});
    EXPECT_EQ(call.out, "hi\n");
    expect_one_warning(call, because);
    EXPECT_EQ(run({"call", "demo/echo", kEcho}).err, "");
    EXPECT_EQ(count(log(), "no shared memory"), 0U) << log();
  }
};

TEST_F(DegradedTest, WithEverythingThereIsNoWarning) {
  const Finished call = run({"call", "demo/echo", kEcho});
  EXPECT_EQ(call.out, "hi\n");
  EXPECT_EQ(call.err, "");
  EXPECT_EQ(count(log(), "no shared memory"), 0U);
}

TEST_F(DegradedTest, ADaemonThatMayMakeNoMemoryFileServesOnTheSocket) {
  expect_served_by_a_poor_daemon("no-memfd", "memfd_create: Operation not permitted");
}

TEST_F(DegradedTest, ADaemonWhoseKernelLacksTheSealServesOnTheSocket) {
  expect_served_by_a_poor_daemon("no-future-write", "F_ADD_SEALS: Invalid argument");
}

TEST_F(DegradedTest, AClientThatMayMakeNoMemoryFileIsServedOnTheSocket) {
  expect_poor_client_is_served("no-memfd", "memfd_create: Operation not permitted");
}

TEST_F(DegradedTest, AClientWhoseKernelLacksTheSealIsServedOnTheSocket) {
  expect_poor_client_is_served("no-future-write", "F_ADD_SEALS: Invalid argument");
}

TEST_F(DegradedTest, WhereNobodyMayMakeOneBothUseTheSocket) {
  const Finished call = run_confined({"no-memfd"}, {"call", "demo/echo", kEcho});
  EXPECT_EQ(call.out, "hi\n");
  expect_one_warning(call, "memfd_create: Operation not permitted");
}

TEST_F(DegradedTest, ADaemonThatMayNotUseIoUringServesOnEpollAndSaysSoOnce) {
  run_confined({"no-io-uring"}, {"daemon", "start"});
  for (int i = 0; i < 3; ++i) {
    const Finished call = run({"call", "demo/echo", kEcho});
    EXPECT_EQ(call.out, "hi\n");
    EXPECT_EQ(call.err, "");
  }
  expect_large_answers();
  EXPECT_EQ(count(log(), "epoll serves"), 1U) << log();
  EXPECT_THAT(log(), HasSubstr("io_uring_setup failed with EPERM"));
  const std::string status = run({"daemon", "status"}).out;
  EXPECT_EQ(count(status, "warning"), 1U) << status;
  EXPECT_THAT(status, HasSubstr("io_uring_setup failed with EPERM"));
  EXPECT_THAT(run({"daemon", "status", "--json"}).out, HasSubstr("\"io_backend\":\"epoll\""));
}

TEST_F(DegradedTest, EpollThatIsAskedForServesWithAWarning) {
  environment["MCPWIRE_IO_BACKEND"] = "epoll";
  EXPECT_EQ(run({"call", "demo/echo", kEcho}).out, "hi\n");
  EXPECT_EQ(count(log(), "epoll serves"), 1U) << log();
  EXPECT_THAT(run({"daemon", "status"}).out, HasSubstr("asked for"));
}

TEST_F(DegradedTest, ABackendThatIsNoneIsRefusedByItsVariable) {
  environment["MCPWIRE_IO_BACKEND"] = "select";
  const Finished call = run({"call", "demo/echo", kEcho});
  EXPECT_NE(call.exit_code, 0);
  EXPECT_THAT(call.err, HasSubstr("MCPWIRE_IO_BACKEND must be"));
}

TEST_F(DegradedTest, ACrowdThatTakesAllDescriptorsIsSurvived) {
  run_confined({"nofile=64"}, {"daemon", "start"});
  const std::string path = environment["MCPWIRE_RUNTIME_DIR"] + "/daemon.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  std::vector<UniqueFd> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.emplace_back(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(
        ::connect(crowd.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        0);
  }
  // Those for whom there was no descriptor see the end; the daemon has looked at them all then.
  char byte = 0;
  EXPECT_EQ(::recv(crowd.back().get(), &byte, 1, 0), 0);
  crowd.clear();
  const Finished call = run({"call", "demo/echo", kEcho});
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(call.out, "hi\n");
}

TEST_F(DegradedTest, TheUsualLimitOfDescriptorsIsEnough) {
  const Finished call = run_confined({"nofile=1024"}, {"call", "demo/echo", kEcho});
  EXPECT_EQ(call.out, "hi\n");
  EXPECT_EQ(call.err, "");
}

/// As an ordinary user, with this limit of locked memory in bytes.
class LockedMemoryTest : public DegradedTest {
 protected:
  // Programs built for coverage would complain: that user may not write where they write to.
  LockedMemoryTest() { environment["LLVM_PROFILE_FILE"] = "/dev/null"; }

  Words as_ordinary_user(const std::string& memlock) {
    Words how = {"memlock=" + memlock, "nofile=1024"};
    if (::geteuid() != 0) return how;
    const std::filesystem::path root = std::filesystem::path(work()).parent_path();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      EXPECT_EQ(::chown(entry.path().c_str(), kNobody, kNobody), 0);
    }
    EXPECT_EQ(::chown(root.c_str(), kNobody, kNobody), 0);
    how.push_back("user=" + std::to_string(kNobody));
    return how;
  }
  /// A user that nothing else of these tests runs as: the limit is for all of a user's processes.
  static constexpr uid_t kNobody = 65'533;
};

TEST_F(LockedMemoryTest, SixtyFourKibibytesAreEnoughAndTheLogNamesTheLimit) {
  const Words how = as_ordinary_user("65536");
  const Finished call = run_confined(how, {"call", "demo/echo", kEcho});
  if (call.exit_code == 126) GTEST_SKIP() << "that user may not reach the built programs";
  EXPECT_EQ(call.exit_code, 0) << call.err << log();
  EXPECT_EQ(call.out, "hi\n");
  EXPECT_EQ(call.err, "");
  EXPECT_EQ(count(log(), "RLIMIT_MEMLOCK"), 1U) << log();
  EXPECT_EQ(run_confined(how, {"daemon", "stop"}).exit_code, 0);
}

TEST_F(LockedMemoryTest, WithoutAnyEpollServesAndTheWarningNamesTheLimit) {
  const Words how = as_ordinary_user("0");
  const Finished call = run_confined(how, {"call", "demo/echo", kEcho});
  if (call.exit_code == 126) GTEST_SKIP() << "that user may not reach the built programs";
  EXPECT_EQ(call.exit_code, 0) << call.err << log();
  EXPECT_EQ(call.out, "hi\n");
  if (count(log(), "epoll serves") == 0) GTEST_SKIP() << "this kernel asks for no locked memory";
  const std::string status = run_confined(how, {"daemon", "status"}).out;
  EXPECT_THAT(status, HasSubstr("RLIMIT_MEMLOCK"));
  EXPECT_THAT(status, HasSubstr("0 KiB"));
  EXPECT_EQ(run_confined(how, {"daemon", "stop"}).exit_code, 0);
}

}  // namespace
}  // namespace mcpwire::test
