// SPDX-License-Identifier: MIT
//
// Large results of one shared server to many clients at once: each is a process of its own, knows
// its own pattern, and looks through every page that the daemon shares with it for anybody else's.
#include "tests/process/client_fixture.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::test {
namespace {

constexpr int kClients = 16;
constexpr int kRounds = 12;
constexpr std::string_view kMark = "CANARY-";

// What a client's process ends with.
constexpr int kAllWell = 0;
constexpr int kNoConnection = 2;
constexpr int kCallFailed = 3;
constexpr int kWrongBytes = 4;
constexpr int kForeignBytes = 5;
constexpr int kNothingMapped = 6;

std::string canary(int client) {
  return std::string(kMark) + static_cast<char>('A' + client) +
         std::string(8, static_cast<char>('a' + client));
}

std::string pattern_of(int client, std::size_t bytes) {
  const std::string one = canary(client);
  std::string text;
  while (text.size() < bytes) text += one;
  return text;
}

/// Memory that the daemon writes and we read, as this process has it mapped now.
std::vector<std::string_view> shared_regions() {
  std::ifstream maps("/proc/self/maps");
  std::vector<std::string_view> regions;
  for (std::string line; std::getline(maps, line);) {
    const bool is_shared = line.find("memfd:mcpwire-slab") != std::string::npos ||
                           line.find("memfd:mcpwire-ring") != std::string::npos ||
                           line.find("memfd:mcpwire-payload") != std::string::npos;
    if (!is_shared) continue;
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel says so.
    regions.emplace_back(reinterpret_cast<const char*>(begin), end - begin);
  }
  return regions;
}

/// Anything in there that another client sent.
bool sees_a_stranger(int client) {
  const std::string own = canary(client);
  for (const std::string_view region : shared_regions()) {
    for (std::size_t at = region.find(kMark); at != std::string_view::npos;
         at = region.find(kMark, at + 1)) {
      const std::string_view found = region.substr(at, own.size());
      if (found != std::string_view(own).substr(0, found.size())) return true;
    }
  }
  return false;
}

class LargePayloadTest : public ClientFixture {
 protected:
  /// One client's life; ends with one of the codes above.
  int live(int number) {
    auto connection = client::Connection::connect(connect_options());
    if (!connection) return kNoConnection;
    std::deque<client::CallReply> held;
    bool was_mapped = false;
    for (int round = 0; round < kRounds; ++round) {
      const std::size_t bytes =
          70'000 + static_cast<std::size_t>((round * 37 + number * 11) % 16) * 60'000;
      const std::string text = pattern_of(number, bytes);
      const std::string arguments = "{\"message\":\"" + text + "\"}";
      client::CallReply reply = connection->call_tool({"demo", "echo", arguments});
      // The queue of the one server has an end.
      while (reply.outcome == protocol::Outcome::kRejected) {
        reply = connection->call_tool({"demo", "echo", arguments});
      }
      if (reply.outcome != protocol::Outcome::kOk) return kCallFailed;
      if (reply.body.view().find(text) == std::string_view::npos) return kWrongBytes;
      was_mapped = was_mapped || reply.body.is_mapped();
      if (sees_a_stranger(number)) return kForeignBytes;
      held.push_back(std::move(reply));
      if (held.size() > 3) held.pop_front();
    }
    return was_mapped ? kAllWell : kNothingMapped;
  }
};

TEST_F(LargePayloadTest, NoClientSeesAByteOfAnothersResult) {
  use_demo_server();
  ASSERT_EQ(run({"call", "demo/echo", R"({"message":"warm"})"}).exit_code, 0);
  std::vector<pid_t> clients;
  for (int number = 0; number < kClients; ++number) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(live(number));
    clients.push_back(child);
  }
  for (const pid_t child : clients) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << status;
    EXPECT_EQ(WEXITSTATUS(status), kAllWell);
  }
}

TEST_F(LargePayloadTest, AResultOutlivesItsConnectionAndItsDaemon) {
  use_demo_server();
  auto connection = client::Connection::connect(connect_options());
  ASSERT_TRUE(connection.has_value()) << connection.error().message();
  const std::string text = pattern_of(3, 500'000);
  client::CallReply reply =
      connection->call_tool({"demo", "echo", "{\"message\":\"" + text + "\"}"});
  ASSERT_EQ(reply.outcome, protocol::Outcome::kOk);
  EXPECT_TRUE(reply.body.is_mapped());
  {
    const client::Connection gone = *std::move(connection);
  }
  EXPECT_EQ(run({"daemon", "stop"}).exit_code, 0);
  EXPECT_NE(reply.body.view().find(text), std::string_view::npos);
  EXPECT_NE(std::move(reply.body).take_text().find(text), std::string::npos);
  EXPECT_TRUE(reply.body.empty());
}

TEST_F(LargePayloadTest, TheCommandPrintsALargeResultWhole) {
  use_demo_server();
  for (const char* const bytes : {"300000", "3000000", "20000000"}) {
    const Finished finished = run({"call", "demo/blob", std::string(R"({"bytes":)") + bytes + "}"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_GE(finished.out.size(), std::stoul(bytes));
  }
}

}  // namespace
}  // namespace mcpwire::test
