// SPDX-License-Identifier: MIT
//
// A daemon with two loops: clients and servers on both of them, calls that cross, and the end of
// all of it.
#include "client/connection.hpp"
#include "tests/process/daemon_fixture.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kServers = 6;

class ShardsTest : public DaemonFixture {
 protected:
  ShardsTest() { environment["MCPWIRE_SHARDS"] = "2"; }

  /// Servers s0, s1, ... that are told apart by their environment. Which loop owns one is decided
  /// by a hash; with six of them both loops have some but once in 32 runs, and each is used from
  /// both.
  /// `members` are further ones of each server's configuration, e.g. `,"era":"legacy"`.
  void use_servers(const std::string& members = {}) {
    std::string text = R"({"mcpServers":{)";
    for (std::size_t number = 0; number < kServers; ++number) {
      if (number > 0) text += ',';
      text += "\"s" + std::to_string(number) + R"(":{"command":")" + demo_server() +
              R"(","env":{"NUMBER":")" + std::to_string(number) + "\"}" + members + "}";
    }
    use_configuration(text + "}}");
  }
  static std::string server(std::size_t number) { return "s" + std::to_string(number); }
  Finished call(std::size_t number, const std::string& message) {
    return run({"call", server(number) + "/echo", R"({"message":")" + message + "\"}"});
  }
  std::vector<pid_t> servers_of(pid_t daemon) {
    return children_like(daemon, "mcpwire-demo-server");
  }
};

TEST_F(ShardsTest, EveryClientReachesEveryServerAndSharesIt) {
  use_servers();
  for (int round = 0; round < 3; ++round) {
    for (std::size_t number = 0; number < kServers; ++number) {
      const std::string text = server(number) + "," + std::to_string(round);
      EXPECT_EQ(call(number, text).out, text + "\n");
    }
  }
  const pid_t daemon = daemon_pid();
  EXPECT_EQ(servers_of(daemon).size(), kServers) << "one process each, whoever asks";
  const std::string status = run({"daemon", "status", "--json"}).out;
  EXPECT_THAT(status, HasSubstr("\"shards\":2"));
  EXPECT_THAT(status, HasSubstr("\"servers\":6"));
  EXPECT_THAT(status, HasSubstr("\"clients\":1"));
  EXPECT_THAT(status, HasSubstr("\"calls\":18"));
  // An odd number of connections so far: once on each loop.
  EXPECT_EQ(run({"daemon", "status", "--json"}).exit_code, 0);
}

TEST_F(ShardsTest, LargeAnswersAndProgressCross) {
  use_servers();
  const std::string large(300'000, 'x');
  for (std::size_t number = 0; number < kServers; ++number) {
    Launch launch;
    launch.input = R"({"message":")" + large + "\"}";
    EXPECT_EQ(run({"call", server(number) + "/echo"}, launch).out, large + "\n");
    EXPECT_EQ(run({"call", server(number) + "/progress", R"({"steps":3,"ms":1})"}).exit_code, 0);
  }
}

TEST_F(ShardsTest, ACallThatIsTakenBackEndsOnBothSides) {
  use_servers();
  for (std::size_t number = 0; number < kServers; ++number) {
    EXPECT_EQ(call(number, "warm").exit_code, 0);
    RunningProgram slow = start({"call", server(number) + "/sleep", R"({"ms":600000})"}, {});
    slow.close_input();
    const std::string taken = "\"calls\":" + std::to_string(2 * number + 2);
    while (run({"daemon", "status", "--json"}).out.find(taken) == std::string::npos) {
    }
    slow.signal(SIGINT);
    EXPECT_EQ(slow.finish().exit_code, 7);
    EXPECT_EQ(call(number, "still there").exit_code, 0) << "the server lives on";
    // Two calls for each server are counted, and this was the third.
    break;
  }
}

TEST_F(ShardsTest, WhatServersSayUnaskedReachesTheClientsOfBothLoops) {
  use_servers();
  Launch open;
  open.input = std::nullopt;
  for (std::size_t number = 0; number < kServers; ++number) {
    const std::vector<std::string> listen = {"listen", server(number), "--uri", "demo://readme"};
    // Connections go to the loops in turn.
    RunningProgram one = start(listen, open);
    one.await("subscriptions/acknowledged");
    RunningProgram other = start(listen, open);
    other.await("subscriptions/acknowledged");
    run({"call", server(number) + "/touch", R"({"uri":"demo://readme"})"});
    run({"call", server(number) + "/grow"});
    for (RunningProgram* program : {&one, &other}) {
      program->await("notifications/resources/updated  {\"uri\":\"demo://readme\"}\n");
      program->await("notifications/tools/list_changed\n");
      program->signal(SIGINT);
      EXPECT_EQ(program->finish().exit_code, 0);
    }
    for (int client = 0; client < 2; ++client) {
      EXPECT_EQ(run({"call", server(number) + "/log", "--progress"}).err,
                "mcpwire: " + server(number) + ": info demo: logged\n");
    }
  }
}

TEST_F(ShardsTest, EachClientHasALogLevelOfItsOwnWhereverTheServerIs) {
  use_servers(R"(,"era":"legacy")");
  ASSERT_EQ(run({"daemon", "start"}).exit_code, 0);
  client::ConnectOptions options;
  options.runtime_directory = run_directory();
  options.config = client::ConfigReference{environment["MCPWIRE_CONFIG"]};
  options.working_directory = work();
  // On one loop each.
  auto quiet = client::Connection::connect(options).value();
  auto other = client::Connection::connect(options).value();
  std::vector<std::string> heard;
  quiet.on_notification([&](const client::Notification&) { heard.emplace_back("quiet"); });
  other.on_notification([&](const client::Notification&) { heard.emplace_back("other"); });
  for (std::size_t number = 0; number < kServers; ++number) {
    const std::string name = server(number);
    heard.clear();
    for (client::Connection* connection : {&quiet, &other}) connection->call_tool({name, "log"});
    EXPECT_THAT(heard, ElementsAre("quiet", "other")) << name;
    heard.clear();
    const auto set = quiet.request(
        {.server = name, .method = "logging/setLevel", .params_json = R"({"level":"error"})"});
    EXPECT_EQ(set.outcome, protocol::Outcome::kOk) << set.error.message();
    for (client::Connection* connection : {&quiet, &other}) connection->call_tool({name, "log"});
    EXPECT_THAT(heard, ElementsAre("other")) << name;
  }
}

TEST_F(ShardsTest, AServerThatEndsIsStartedAnewForEveryClient) {
  use_servers();
  for (std::size_t number = 0; number < kServers; ++number) {
    EXPECT_EQ(call(number, "warm").exit_code, 0);
    EXPECT_EQ(call(number, "warm").exit_code, 0);
  }
  const pid_t daemon = daemon_pid();
  for (const pid_t process : servers_of(daemon)) {
    const UniqueFd server = open_process(process);  // While it is there for certain.
    ASSERT_EQ(::kill(process, SIGKILL), 0);
    wait_for_process_end(server, kPatienceNs);
  }
  for (std::size_t number = 0; number < kServers; ++number) {
    EXPECT_EQ(call(number, "anew").out, "anew\n");
    EXPECT_EQ(call(number, "anew").out, "anew\n");
  }
}

TEST_F(ShardsTest, TheListKnowsTheServersOfBothLoops) {
  use_servers();
  for (std::size_t number = 0; number < kServers; ++number) call(number, "warm");
  for (int client = 0; client < 2; ++client) {
    const Finished listed = run({"list"});
    EXPECT_EQ(listed.exit_code, 0);
    for (std::size_t number = 0; number < kServers; ++number) {
      EXPECT_THAT(listed.out, HasSubstr(server(number) + "/echo"));
    }
  }
}

TEST_F(ShardsTest, ASignalStopsTheServersOfBothLoops) {
  use_servers();
  for (std::size_t number = 0; number < kServers; ++number) call(number, "warm");
  const pid_t daemon = daemon_pid();
  const std::vector<pid_t> children = children_of(daemon);
  EXPECT_EQ(children.size(), kServers + 2) << "a guardian for each loop";
  const UniqueFd process = open_process(daemon);
  ASSERT_EQ(::kill(daemon, SIGTERM), 0);
  ASSERT_TRUE(wait_for_process_end(process, kPatienceNs));
  for (const pid_t child : children) {
    EXPECT_TRUE(!is_running(child) || wait_for_process_end(open_process(child), kPatienceNs));
  }
  EXPECT_THAT(log(), HasSubstr("mcpwired ends"));
}

TEST_F(ShardsTest, AKilledDaemonLeavesNoServerOfEitherLoop) {
  use_servers();
  for (std::size_t number = 0; number < kServers; ++number) call(number, "warm");
  const pid_t daemon = daemon_pid();
  const std::vector<pid_t> servers = servers_of(daemon);
  ASSERT_EQ(servers.size(), kServers);
  ASSERT_EQ(::kill(daemon, SIGKILL), 0);
  for (const pid_t child : servers) {
    EXPECT_TRUE(!is_running(child) || wait_for_process_end(open_process(child), kPatienceNs));
  }
}

TEST_F(ShardsTest, ServersOfAConfigurationThatChangedAreStopped) {
  use_servers();
  for (std::size_t number = 0; number < kServers; ++number) {
    call(number, "warm");
    call(number, "warm");
  }
  const pid_t daemon = daemon_pid();
  use_server(demo_server());
  // Each loop reads the file when a client of its own asks.
  EXPECT_EQ(echo("one").out, "one\n");
  EXPECT_EQ(echo("two").out, "two\n");
  while (servers_of(daemon).size() != 1U) echo("again");
}

}  // namespace
}  // namespace mcpwire::test
