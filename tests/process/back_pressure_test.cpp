// SPDX-License-Identifier: MIT
//
// Whoever does not read: a server fills its queue and then gets no more calls, a client costs the
// daemon a bounded amount and delays nobody else. And limits of the configuration, through the
// whole daemon.
#include "protocol/base/recycling.hpp"
#include "protocol/call_word.hpp"
#include "tests/process/client_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace mcpwire::test {
namespace {

using protocol::Outcome;
using ::testing::HasSubstr;

class BackPressureTest : public ClientFixture {
 protected:
  /// Shakes hands and reads nothing more.
  std::string deaf_server() {
    return write_script("deaf", R"(
read line
echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}'
read line
echo '{"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"deaf","version":"1"}}}'
exec sleep 1000)");
  }
  /// KiB of memory that only this process has, and of memory that it shares.
  std::size_t memory_of(pid_t process) {
    std::istringstream lines(read_file("/proc/" + std::to_string(process) + "/status"));
    std::size_t sum = 0;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("RssAnon:") && !line.starts_with("RssShmem:")) continue;
      sum += std::stoul(line.substr(line.find(':') + 1));
    }
    return sum;
  }
  /// Bytes in memory files that a process has open, mapped or not.
  static std::size_t files_of(pid_t process) {
    std::size_t sum = 0;
    const std::string directory = "/proc/" + std::to_string(process) + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      struct stat status{};
      std::error_code gone;
      const std::string target = std::filesystem::read_symlink(entry.path(), gone);
      if (target.starts_with("/memfd:") && ::stat(entry.path().c_str(), &status) == 0) {
        sum += static_cast<std::size_t>(status.st_blocks) * 512;
      }
    }
    return sum;
  }
  static constexpr std::size_t kBlobBytes = 100'000;
  static client::CallRequest blob() {
    static const std::string arguments = R"({"bytes":)" + std::to_string(kBlobBytes) + "}";
    return {"demo", "blob", arguments};
  }
  void wait_for_calls(int count) {
    const std::string wanted = "\"calls\":" + std::to_string(count);
    while (run({"daemon", "status", "--json"}).out.find(wanted) == std::string::npos) {
    }
  }
  static std::string message_of(std::size_t bytes) {
    return R"({"message":")" + std::string(bytes, 'x') + R"("})";
  }
};

TEST_F(BackPressureTest, AServerThatStopsReadingFillsItsQueueAndThenGetsNoMore) {
  use_configuration(R"({"mcpServers":{"deaf":{"command":")" + deaf_server() +
                    R"(","limits":{"queueBytes":"200KiB"}},"demo":{"command":")" + demo_server() +
                    "\"}}}");
  auto connection = client::Connection::connect(connect_options()).value();
  // The first is being written and fits the pipe in part, the second waits, the third has no room.
  const std::string large = message_of(140'000);
  const auto first = connection.start_call({"deaf", "echo", large}).value();
  const auto second = connection.start_call({"deaf", "echo", large}).value();
  const client::CallReply third = connection.call_tool({"deaf", "echo", large});
  EXPECT_EQ(third.outcome, Outcome::kRejected);
  EXPECT_EQ(third.error.kind, ErrorKind::kOverloaded);
  EXPECT_THAT(third.error.message(), HasSubstr("limits.queueBytes: 204800"));
  // Another client of the same server: a small call has no room either.
  auto other = client::Connection::connect(connect_options()).value();
  EXPECT_EQ(other.call_tool({"deaf", "echo", message_of(40'000)}).outcome, Outcome::kRejected);
  EXPECT_EQ(echo().exit_code, 0) << "another server";
  connection.cancel(second);
  EXPECT_EQ(connection.wait(second)->outcome, Outcome::kCancelled);
  connection.cancel(first);
  EXPECT_EQ(connection.wait(first)->outcome, Outcome::kCancelled);
}

TEST_F(BackPressureTest, AClientThatReadsNothingCostsABoundedAmountAndDelaysNobody) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const pid_t daemon = daemon_pid();
  const std::size_t before = memory_of(daemon);
  auto connection = client::Connection::connect(connect_options()).value();
  // Nothing is read outside of wait().
  std::vector<std::uint64_t> calls;
  Result<std::uint64_t> call = connection.start_call(blob());
  for (; call.has_value(); call = connection.start_call(blob())) calls.push_back(*call);
  EXPECT_EQ(call.error().kind, ErrorKind::kOverloaded) << call.error().message();
  EXPECT_EQ(calls.size(), protocol::kCallWindow);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(echo().exit_code, 0);
  // Answers that wait are in files, which count once they are there at all.
  // All of them are 25 MB; mimalloc keeps some 13 that it had for a while.
  if (kRecycleMemory) EXPECT_LT(memory_of(daemon), before + 20 * 1024);
  EXPECT_LT(files_of(daemon), protocol::kCallWindow * (kBlobBytes + 16 * 1024) + (16 << 20));
  // What it had asked for is there when it reads at last.
  for (const std::uint64_t each : calls) EXPECT_EQ(connection.wait(each)->outcome, Outcome::kOk);
  EXPECT_EQ(connection.call_tool({"demo", "echo", message_of(2)}).outcome, Outcome::kOk);
}

TEST_F(BackPressureTest, ProgressThatNobodyReadsIsDroppedAndTheServerGoesOn) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const pid_t daemon = daemon_pid();
  const std::size_t before = memory_of(daemon);
  auto connection = client::Connection::connect(connect_options()).value();
  std::size_t seen = 0;
  connection.on_progress([&](std::uint64_t, std::string_view) { ++seen; });
  constexpr int kSteps = 100'000;
  const auto call =
      connection
          .start_call({"demo", "progress", R"({"steps":)" + std::to_string(kSteps) + R"(,"ms":0})"})
          .value();
  wait_for_calls(2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(echo().exit_code, 0);
  // Answered although nothing is read: the server was not held up.
  while (log().find("of one call it missed") == std::string::npos) {
  }
  // Sanitizers keep back what was freed.
  if (kRecycleMemory) EXPECT_LT(memory_of(daemon), before + 8 * 1024);
  EXPECT_EQ(connection.wait(call)->outcome, Outcome::kOk);
  EXPECT_GT(seen, 0U);
  EXPECT_LT(seen, static_cast<std::size_t>(kSteps)) << "it was never full";
  // Nothing of it is lost silently.
  EXPECT_THAT(log(), HasSubstr("of one call it missed " + std::to_string(kSteps - seen) +
                               " progress and log messages"));
}

TEST_F(BackPressureTest, LimitsOfTheConfigurationAreNamedInWhatTheyLeadTo) {
  use_server(demo_server(), R"("limits":{"lineBytes":4096})");
  EXPECT_EQ(echo().exit_code, 0);
  const Finished call = run({"call", "demo/echo", message_of(5000)});
  EXPECT_EQ(call.exit_code, 6);
  EXPECT_THAT(call.err, HasSubstr("more than 4096 bytes (limits.lineBytes)"));

  use_server(write_script("junk", "yes garbage"), R"("limits":{"junkLines":5})");
  const Finished junk = echo();
  EXPECT_EQ(junk.exit_code, 3);
  EXPECT_THAT(junk.err, HasSubstr("more than 5 lines"));
  EXPECT_THAT(junk.err, HasSubstr("limits.junkLines"));

  use_server(write_script("hungry", "ulimit -n >&2; exit 1"), R"("limits":{"openFiles":77})");
  EXPECT_THAT(echo().err, HasSubstr("last words: 77"));
}

}  // namespace
}  // namespace mcpwire::test
