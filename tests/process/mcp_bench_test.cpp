// SPDX-License-Identifier: MIT
//
// What mcp-bench prints, and that nothing is left of it. Its figures are no business of a test.
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

const std::string kFigures =
    R"("n":[0-9]+,"p50_ns":[0-9]+,"p99_ns":[0-9]+,"p999_ns":[0-9]+,"max_ns":[0-9]+,"per_second":[0-9]+)";

/// What the daemon counts of its loops; the last only where it relayed calls.
const std::string kLoops =
    R"(,"loop_lag_p50_ns":[0-9]+,"loop_lag_p99_ns":[0-9]+,"loop_lag_max_ns":[0-9]+)";
const std::string kPerCall = R"(,"system_calls_per_call":[0-9.]+)";

const std::string kProcessors =
    R"("clients_cpu":[0-9.]+,"daemon_cpu":[0-9.]+,"servers_cpu":[0-9.]+)";

class McpBenchTest : public CliFixture {
 protected:
  McpBenchTest() { environment["TMPDIR"] = work(); }

  Finished bench(std::vector<std::string> arguments) {
    Launch launch;
    launch.program = "mcp-bench";
    return run(arguments, launch);
  }
  /// Its scratch directories are removed only after the daemon in them has ended.
  void expect_nothing_left() { EXPECT_TRUE(std::filesystem::is_empty(work())); }
};

struct PathCase {
  const char* path;
  const char* method;
};

class McpBenchLatencyTest : public McpBenchTest, public ::testing::WithParamInterface<PathCase> {};

std::string loops_of(const PathCase& test) {
  if (std::string(test.path) != "daemon") return {};
  return kLoops + (std::string(test.method) == "call" ? kPerCall : "");
}

TEST_P(McpBenchLatencyTest, PrintsOneJsonObject) {
  const auto [path, method] = GetParam();
  const Finished done = bench({"latency", "--path", path, "--method", method, "--payload", "100",
                               "--iterations", "20", "--json"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out,
              MatchesRegex(std::string("\\{\"path\":\"") + path + "\",\"method\":\"" + method +
                           "\",\"payload\":100," + kFigures + loops_of(GetParam()) + "\\}\n"));
  EXPECT_THAT(done.out, HasSubstr("\"n\":20,"));
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Paths, McpBenchLatencyTest,
                         ::testing::Values(PathCase{"ring", "ping"}, PathCase{"daemon", "ping"},
                                           PathCase{"daemon", "call"}, PathCase{"direct", "call"}),
                         [](const auto& test) {
                           return std::string(test.param.path) + "_" + test.param.method;
                         });

TEST_F(McpBenchTest, LatencyTakesPinsGapsAndTheSocket) {
  const Finished done = bench({"latency", "--iterations", "5", "--gap", "1000", "--pin", "0,-1,0",
                               "--socket-only", "--spin", "0"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, StartsWith("daemon call, 32 bytes: p50 "));
  expect_nothing_left();
}

TEST_F(McpBenchTest, ThroughputSaysWhatTheDaemonNeeded) {
  const Finished closed =
      bench({"throughput", "--iterations", "200", "--in-flight", "8", "--json"});
  EXPECT_EQ(closed.exit_code, 0) << closed.err;
  EXPECT_THAT(closed.out,
              MatchesRegex("\\{\"method\":\"ping\",\"in_flight\":8,\"rate\":0," + kFigures +
                           kLoops + ",\"per_wall_second\":[0-9]+,\"per_daemon_second\":[0-9]+," +
                           kProcessors + "\\}\n"));
  const Finished calls = bench({"throughput", "--method", "call", "--iterations", "50", "--json"});
  EXPECT_EQ(calls.exit_code, 0) << calls.err;
  EXPECT_THAT(calls.out, StartsWith("{\"method\":\"call\",\"in_flight\":64,"));
  EXPECT_THAT(calls.out, HasSubstr("\"system_calls_per_call\":"));
  const Finished open = bench({"throughput", "--iterations", "200", "--rate", "100000"});
  EXPECT_EQ(open.exit_code, 0) << open.err;
  EXPECT_THAT(open.out, HasSubstr("rate 100000: p50 "));
  expect_nothing_left();
}

TEST_F(McpBenchTest, GapsCountsEveryRequestThatWasDue) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "needs two processors";
  const Finished done = bench({"gaps", "--iterations", "3000", "--rate", "100000", "--json"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, MatchesRegex("\\{" + kFigures + "\\}\n"));
  EXPECT_THAT(done.out, HasSubstr("\"n\":3000,"));
  EXPECT_EQ(bench({"gaps", "--rate", "0"}).exit_code, 1);
  expect_nothing_left();
}

TEST_F(McpBenchTest, CrowdSaysWhatAllNeeded) {
  const Finished done =
      bench({"crowd", "--clients", "2", "--floods", "1", "--milliseconds", "50", "--json"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out,
              MatchesRegex("\\{\"method\":\"ping\",\"clients\":2,\"floods\":1,\"servers\":1," +
                           kFigures + kLoops + ",\"floods_per_second\":[0-9]+," + kProcessors +
                           ",\"per_daemon_second\":[0-9]+\\}\n"));
  const Finished calls = bench(
      {"crowd", "--method", "call", "--clients", "2", "--servers", "2", "--milliseconds", "50"});
  EXPECT_EQ(calls.exit_code, 0) << calls.err;
  EXPECT_THAT(calls.out, StartsWith("call, 2 clients, 0 floods, 2 servers: p50 "));
  expect_nothing_left();
}

TEST_F(McpBenchTest, StartTimesServersThatDidNotRun) {
  for (const char* path : {"daemon", "direct"}) {
    const Finished done = bench({"start", "--path", path, "--servers", "2", "--json"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, MatchesRegex("\\{" + kFigures + "\\}\n"));
    EXPECT_THAT(done.out, HasSubstr("\"n\":2,"));
  }
  expect_nothing_left();
}

TEST_F(McpBenchTest, TimesWholeProcesses) {
  const Finished done = bench({"process", "--iterations", "2", "--json", "--", "true"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, MatchesRegex("\\{" + kFigures + "\\}\n"));
  const Finished failed = bench({"process", "--iterations", "2", "--", "false"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, StartsWith("mcp-bench: "));
}

TEST_F(McpBenchTest, BadInputIsRefused) {
  const std::vector<std::vector<std::string>> commands = {
      {},
      {"latency", "--path", "elsewhere"},
      {"latency", "--iterations", "0"},
      {"latency", "--path", "ring", "--method", "call"},
      {"latency", "--pin", "4096"},
      {"throughput", "--in-flight", "100000"},
      {"crowd", "--clients", "0"},
      {"process", "--iterations", "1", "--", "/no/such/program"},
  };
  for (const std::vector<std::string>& command : commands) {
    const Finished done = bench(command);
    EXPECT_EQ(done.exit_code, 1) << ::testing::PrintToString(command);
    EXPECT_FALSE(done.err.empty()) << ::testing::PrintToString(command);
  }
  expect_nothing_left();
}

}  // namespace
}  // namespace mcpwire::test
