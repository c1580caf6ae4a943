// SPDX-License-Identifier: MIT
//
// The built programs where the system gives less than they ask for: no memory files, no seals, no
// io_uring. Calls are served, one warning names what is missing, nothing hangs. Limits, and the
// same as an ordinary user: ordinary_user_test.cpp.
#include "tests/process/degraded_fixture.hpp"

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;

class DegradedTest : public DegradedFixture {
 protected:
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

}  // namespace
}  // namespace mcpwire::test
