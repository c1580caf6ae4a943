// SPDX-License-Identifier: MIT
//
// The daemon is killed or stopped at every step of a call, and what the client is told is compared
// with what the server did: `not_sent` was and will not be executed, `ok` was executed exactly
// once, `unknown` at most once. Steps are the entries into and exits from system calls of the
// daemon's loop, all of them, and single instructions between them, at random. MCPWIRE_SOAK
// multiplies those; MCPWIRE_SEED repeats them.
//
// Each death and each stop prints one letter: n not_sent, u unknown, k ok.
#include "tests/process/ledger_fixture.hpp"
#include "tests/process/traced_process.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <utility>

#include <sys/prctl.h>

namespace mcpwire::test {
namespace {

using client::AutoStart;
using client::CallReply;
using client::Connection;
using protocol::Outcome;

#if defined(__OPTIMIZE__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
constexpr std::uint32_t kSamples = 6;
#else
constexpr std::uint32_t kSamples = 0;  // Half a million instructions per call: minutes per step.
#endif
/// A call takes fewer of both; beyond it the daemon is not doing what is expected.
constexpr std::uint32_t kSystemCallsMax = 1'000;
constexpr std::uint32_t kInstructionsMax = 5'000'000;
/// Longer than the steps before the stop take.
constexpr std::uint64_t kDeadlineNsMin = 50 * kNanosecondsPerMillisecond;

enum class StepKind { kSystemCall, kInstruction };

class CallOutcomeTest : public LedgerFixture, public testing::WithParamInterface<std::uint32_t> {
 protected:
  CallOutcomeTest() {
    // Daemons are adopted by us, and may be traced as our descendants.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (const char* const text = std::getenv("MCPWIRE_SEED")) {
      seed_ = static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
    }
    random_.seed(seed_);
  }
  ~CallOutcomeTest() override { std::cout << outcomes_ << "  MCPWIRE_SEED=" << seed_ << '\n'; }

  struct Advance {
    std::uint32_t steps = 0;         ///< Done.
    std::optional<CallReply> reply;  ///< The call was over before that.
  };
  /// Lets the held daemon take `steps`, fewer if the call is answered.
  static Advance advance(TracedProcess& daemon, Connection& connection, std::uint64_t correlation,
                         StepKind kind, std::uint32_t steps);

  /// True while the call was not over yet after so many steps.
  bool die_after(StepKind kind, std::uint32_t steps, AutoStart auto_start);
  bool stop_after(Connection& connection, StepKind kind, std::uint32_t steps);
  std::uint32_t instructions_of_a_call(Connection& connection);
  /// Gives `end_after` a connection, the number of the sample, and how many instructions to wait.
  void at_random_instructions(
      const std::function<void(Connection&, std::uint64_t, std::uint32_t)>& end_after);

  void expect_truth(const CallReply& reply, const std::string& token, AutoStart auto_start);
  std::string next_token() { return "call-" + std::to_string(++tokens_); }
  std::uint32_t ring_bytes() const { return GetParam(); }
  std::size_t count_of(char letter) const {
    return static_cast<std::size_t>(std::ranges::count(outcomes_, letter));
  }

  std::uint32_t seed_ = std::random_device()();
  std::minstd_rand random_;
  int tokens_ = 0;
  std::uint64_t deadline_ns_ = kDeadlineNsMin;
  std::string outcomes_;
};

CallOutcomeTest::Advance CallOutcomeTest::advance(TracedProcess& daemon, Connection& connection,
                                                  std::uint64_t correlation, StepKind kind,
                                                  std::uint32_t steps) {
  Advance done;
  // To look costs more than an instruction, and an answered daemon would step on for ever.
  constexpr std::uint32_t kInstructionsBetweenLooks = 64;
  for (; done.steps < steps; ++done.steps) {
    if (kind == StepKind::kSystemCall || done.steps % kInstructionsBetweenLooks == 0) {
      done.reply = connection.wait(correlation, monotonic_now_ns());
      if (done.reply) break;
    }
    const bool alive = kind == StepKind::kSystemCall ? daemon.run_to_system_call() : daemon.step();
    EXPECT_TRUE(alive);
    if (!alive) break;
  }
  return done;
}

void CallOutcomeTest::expect_truth(const CallReply& reply, const std::string& token,
                                   AutoStart auto_start) {
  const std::size_t executions = executions_of(token);
  switch (reply.outcome) {
    case Outcome::kOk:
      EXPECT_EQ(executions, 1u) << token;
      outcomes_ += 'k';
      return;
    case Outcome::kNotSent:
      EXPECT_EQ(executions, 0u) << token << ": " << reply.error.message();
      EXPECT_EQ(auto_start, AutoStart::kNo) << "it was not sent again";
      outcomes_ += 'n';
      return;
    case Outcome::kUnknown:
      EXPECT_LE(executions, 1u) << token;
      outcomes_ += 'u';
      return;
    default:
      ADD_FAILURE() << token << ": " << reply.error.message();
  }
}

bool CallOutcomeTest::die_after(StepKind kind, std::uint32_t steps, AutoStart auto_start) {
  Connection starter = connect(AutoStart::kYes, ring_bytes());
  EXPECT_EQ(record(starter, next_token()), Outcome::kOk);
  Connection connection = connect(auto_start, ring_bytes());
  EXPECT_EQ(record(connection, next_token()), Outcome::kOk);
  const pid_t daemon_id = connection.agreement().daemon_pid;
  const std::vector<UniqueFd> servers = server_processes(daemon_id);
  EXPECT_EQ(servers.size(), 1u);

  const std::string token = next_token();
  TracedProcess daemon(daemon_id);
  const std::uint64_t correlation = start_record(connection, token);
  Advance done = advance(daemon, connection, correlation, kind, steps);
  daemon.kill();
  const bool was_over = done.reply.has_value();
  const CallReply reply =
      was_over ? *std::move(done.reply) : connection.wait(correlation, kNever).value();
  // What it had in its pipe the server may still execute until the guardian ends it.
  for (const UniqueFd& server : servers) EXPECT_TRUE(wait_for_process_end(server, kPatienceNs));
  expect_truth(reply, token, auto_start);
  return !was_over;
}

bool CallOutcomeTest::stop_after(Connection& connection, StepKind kind, std::uint32_t steps) {
  const pid_t daemon_id = connection.agreement().daemon_pid;
  const std::string token = next_token();
  Advance done;
  std::uint64_t correlation = 0;
  {
    TracedProcess daemon(daemon_id);
    correlation = start_record(connection, token, monotonic_now_ns() + deadline_ns_);
    done = advance(daemon, connection, correlation, kind, steps);
    daemon.stop_and_let_go();
  }
  const bool was_over = done.reply.has_value();
  const CallReply reply =
      was_over ? *std::move(done.reply) : connection.wait(correlation, kNever).value();
  EXPECT_EQ(::kill(daemon_id, SIGCONT), 0);
  // Without rings the verdict cost the connection, and the old one may be read after the new one.
  while (connection.status().value().clients != 1) {
  }
  // The server takes its lines in order: had the call been written later, it would be there now.
  EXPECT_EQ(record(connection, next_token()), Outcome::kOk);
  expect_truth(reply, token, AutoStart::kNo);
  return !was_over;
}

std::uint32_t CallOutcomeTest::instructions_of_a_call(Connection& connection) {
  TracedProcess daemon(connection.agreement().daemon_pid);
  const std::uint64_t begin_ns = monotonic_now_ns();
  const std::uint64_t correlation = start_record(connection, next_token());
  const Advance done =
      advance(daemon, connection, correlation, StepKind::kInstruction, kInstructionsMax);
  EXPECT_TRUE(done.reply.has_value());
  deadline_ns_ = std::max(kDeadlineNsMin, monotonic_now_ns() - begin_ns);
  return done.steps;
}

TEST_P(CallOutcomeTest, OfADaemonKilledAtEachSystemCall) {
  if (!TracedProcess::is_possible()) GTEST_SKIP() << "ptrace() is refused";
  for (const AutoStart auto_start : {AutoStart::kNo, AutoStart::kYes}) {
    std::uint32_t steps = 0;
    while (steps < kSystemCallsMax && die_after(StepKind::kSystemCall, steps, auto_start)) {
      ASSERT_FALSE(HasFailure()) << "death after " << steps;
      ++steps;
    }
    EXPECT_GT(steps, 4u) << "a call has more system calls";
    EXPECT_LT(steps, kSystemCallsMax);
    outcomes_ += ' ';
  }
  EXPECT_GE(count_of('n'), 1u) << "killed before it did anything";
  EXPECT_GE(count_of('u'), 1u) << "killed while the server worked";
}

void CallOutcomeTest::at_random_instructions(
    const std::function<void(Connection&, std::uint64_t, std::uint32_t)>& end_after) {
  if (!TracedProcess::is_possible()) GTEST_SKIP() << "ptrace() is refused";
  if (kSamples == 0) GTEST_SKIP() << "only in an optimised build without sanitizers";
  Connection connection = connect(AutoStart::kYes, ring_bytes());
  ASSERT_EQ(record(connection, next_token()), Outcome::kOk);
  const std::uint32_t instructions = instructions_of_a_call(connection);
  std::cout << instructions << " instructions\n";
  for (std::uint64_t i = 0; i < kSamples * soak_factor(); ++i) {
    const auto steps = static_cast<std::uint32_t>(random_() % instructions);
    end_after(connection, i, steps);
    ASSERT_FALSE(HasFailure()) << "end after " << steps;
  }
}

TEST_P(CallOutcomeTest, OfADaemonKilledAtAnyInstruction) {
  at_random_instructions([this](Connection&, std::uint64_t sample, std::uint32_t steps) {
    const AutoStart auto_start = sample % 2 == 0 ? AutoStart::kNo : AutoStart::kYes;
    die_after(StepKind::kInstruction, steps, auto_start);
  });
}

TEST_P(CallOutcomeTest, OfADaemonStoppedAtEachSystemCall) {
  if (!TracedProcess::is_possible()) GTEST_SKIP() << "ptrace() is refused";
  Connection connection = connect(AutoStart::kYes, ring_bytes());
  ASSERT_EQ(record(connection, next_token()), Outcome::kOk);
  std::uint32_t steps = 0;
  while (steps < kSystemCallsMax && stop_after(connection, StepKind::kSystemCall, steps)) {
    ASSERT_FALSE(HasFailure()) << "stop after " << steps;
    ++steps;
  }
  EXPECT_GT(steps, 4u) << "a call has more system calls";
  EXPECT_LT(steps, kSystemCallsMax);
  EXPECT_GE(count_of('n'), 1u) << "stopped before it did anything";
  EXPECT_GE(count_of('u'), 1u) << "stopped while the server worked";
}

TEST_P(CallOutcomeTest, OfADaemonStoppedAtAnyInstruction) {
  at_random_instructions([this](Connection& connection, std::uint64_t, std::uint32_t steps) {
    stop_after(connection, StepKind::kInstruction, steps);
  });
}

INSTANTIATE_TEST_SUITE_P(Path, CallOutcomeTest, testing::Values(64 * 1024, 0),
                         [](const auto& parameters) {
                           return std::string(parameters.param == 0 ? "Socket" : "Rings");
                         });

}  // namespace
}  // namespace mcpwire::test
