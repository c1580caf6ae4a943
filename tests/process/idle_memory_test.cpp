// SPDX-License-Identifier: MIT
//
// What a connection that does nothing costs the daemon, counted by a replaced operator new:
// ten thousand of them are to fit into ten megabytes. Rings are mappings and are not counted, but
// an idle connection has none.
#include "protocol/base/system_clock.hpp"
#include "tests/process/counted_daemon.hpp"

#include <poll.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace mcpwire::test {
namespace {

constexpr std::uint32_t kConnections = 500;
constexpr std::uint64_t kBytesEachMax = 1024;

class IdleMemoryTest : public CountedDaemonFixture {
 protected:
  /// The daemon gives rings back when they were idle for a while; its mappings tell.
  void await_no_rings() {
    const std::uint64_t deadline_ns = monotonic_now_ns() + kPatienceNs;
    while (has_rings()) {
      ASSERT_LT(monotonic_now_ns(), deadline_ns) << "idle connections keep their rings";
      ::poll(nullptr, 0, 50);
    }
  }
  bool has_rings() {
    std::ifstream file(maps_);
    EXPECT_TRUE(file.good());
    for (std::string line; std::getline(file, line);) {
      if (line.find("mcpwire-ring") != std::string::npos) return true;
    }
    return false;
  }
  static void call_once(client::Connection& connection) {
    ASSERT_EQ(connection.call_tool({"demo", "echo", R"({"message":"hi"})"}).outcome,
              protocol::Outcome::kOk);
  }

  std::string maps_;  ///< The daemon's in /proc.
};

TEST_F(IdleMemoryTest, AnIdleConnectionTakesLessThanAKibibyteAlsoAfterItWasActive) {
  {
    // What every daemon has once: a server, buffers of parsers.
    client::Connection first = connect();
    ASSERT_NO_FATAL_FAILURE(call_once(first));
    maps_ = "/proc/" + std::to_string(first.agreement().daemon_pid) + "/maps";
    ASSERT_TRUE(has_rings());
    await_no_rings();
  }
  const std::uint64_t before = daemon_bytes();
  ASSERT_GT(before, 0U);  // Or nobody counts.
  std::vector<client::Connection> connections;
  for (std::uint32_t i = 0; i < kConnections; ++i) {
    connections.push_back(connect(4096));
    ASSERT_TRUE(connections.back().ping().has_value());
  }
  await_no_rings();
  const std::uint64_t connected = daemon_bytes();
  ASSERT_GT(connected, before);
  EXPECT_LT((connected - before) / kConnections, kBytesEachMax);

  for (client::Connection& connection : connections) call_once(connection);
  ASSERT_FALSE(HasFailure());
  await_no_rings();
  const std::uint64_t active_once = daemon_bytes();
  EXPECT_LT((active_once - before) / kConnections, kBytesEachMax);
  RecordProperty("bytes_each", std::to_string((connected - before) / kConnections));
  RecordProperty("bytes_each_after_a_call", std::to_string((active_once - before) / kConnections));
}

}  // namespace
}  // namespace mcpwire::test
