// SPDX-License-Identifier: MIT
//
// Servers that misbehave: each gets a clear error and an honest exit code, and harms nobody else.
#include "tests/process/daemon_fixture.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

namespace mcpwire::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ServerTroubleTest : public DaemonFixture {
 protected:
  /// Calls are counted when the daemon takes them.
  void wait_for_calls(int count) {
    const std::string wanted = "\"calls\":" + std::to_string(count);
    while (run({"daemon", "status", "--json"}).out.find(wanted) == std::string::npos) {
    }
  }
};

TEST_F(ServerTroubleTest, ACommandThatDoesNotExistIsNamed) {
  use_server("no-such-command-anywhere");
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 1);
  EXPECT_THAT(call.err, HasSubstr("no-such-command-anywhere"));
}

TEST_F(ServerTroubleTest, AServerThatExitsAtOnceIsNotSent) {
  use_server(write_script("exits", "echo the reason >&2; exit 7"));
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 3);
  EXPECT_THAT(call.err, HasSubstr("code 7"));
  EXPECT_THAT(call.err, HasSubstr("the reason"));
}

TEST_F(ServerTroubleTest, AServerThatNeverAnswersInitializeIsGivenUp) {
  use_server(write_script("silent", "exec cat >/dev/null"), R"("timeout":0.3)");
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 3);
  EXPECT_THAT(call.err, HasSubstr("initialize"));
}

TEST_F(ServerTroubleTest, TheCallersTimeoutEndsTheWaitForAServer) {
  use_server(write_script("silent", "exec cat >/dev/null"));
  const Finished call = run({"call", "demo/echo", "{}", "--timeout", "300ms"});
  EXPECT_EQ(call.exit_code, 3) << "provably not sent";
}

TEST_F(ServerTroubleTest, JunkBeforeTheProtocolIsTolerated) {
  use_server(write_script("banner", "echo Welcome; echo '{not json'; exec " + demo_server()));
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(call.out, "hi\n");
}

TEST_F(ServerTroubleTest, AServerThatOnlyPrintsJunkIsEnded) {
  use_server(write_script("junk", "yes garbage"));
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 3);
  EXPECT_THAT(call.err, HasSubstr("JSON-RPC"));
  EXPECT_TRUE(children_like(daemon_pid(), "junk").empty());
}

TEST_F(ServerTroubleTest, ALineBeyondTheLimitEndsItsServerOnly) {
  use_configuration(R"({"mcpServers":{"bomb":{"command":")" +
                    write_script("bomb", "head -c 70000000 /dev/zero | tr '\\0' x; sleep 100") +
                    R"("},"demo":{"command":")" + demo_server() + "\"}}}");
  const Finished bomb = run({"call", "bomb/x", "{}"});
  EXPECT_EQ(bomb.exit_code, 3);
  EXPECT_THAT(bomb.err, HasSubstr("more than 67108864 bytes"));
  EXPECT_EQ(echo().exit_code, 0);
}

TEST_F(ServerTroubleTest, AServerKilledInMidCallIsUnknown) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const std::vector<pid_t> servers = children_like(daemon_pid(), "mcpwire-demo-server");
  ASSERT_EQ(servers.size(), 1U);
  RunningProgram call = start({"call", "demo/progress", R"({"steps":1000,"ms":100})"}, {});
  wait_for_calls(2);
  ASSERT_EQ(::kill(servers[0], SIGKILL), 0);
  const Finished finished = call.finish();
  // Killed before the line was written, the call goes to a fresh server; this test ends it there.
  EXPECT_EQ(finished.exit_code, 6) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("may have"));
  EXPECT_EQ(echo().exit_code, 0) << "the next call gets a new server";
}

TEST_F(ServerTroubleTest, AFloodOfProgressCostsNoAnswer) {
  use_demo_server();
  const Finished call = run({"call", "demo/progress", R"({"steps":50000,"ms":0})"});
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(call.out, "50000 steps done\n");
}

TEST_F(ServerTroubleTest, ACallThatWaitsBehindADeafServerOutlivesTheDaemon) {
  // Its first process shakes hands and reads nothing more: one call fills the pipe, the next waits.
  const std::string note = work() + "/was-here";
  const std::string begun = work() + "/a-call-has-begun";
  use_server(write_script("deaf", "if [ -e " + note + " ]; then exec " + demo_server() +
                                      "; fi; touch " + note +
                                      R"(
read line
echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}'
read line
echo '{"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-11-25","capabilities":{},)"
                                      R"("serverInfo":{"name":"deaf","version":"1"}}}'
read line
head -c 1 >/dev/null
touch )" + begun + "\nexec sleep 1000"));
  RunningProgram first = start({"call", "demo/echo", "-"}, {});
  first.write(R"({"message":")" + std::string(200'000, 'x') + R"("})");
  first.close_input();
  while (!std::filesystem::exists(begun)) run({"daemon", "status"});
  RunningProgram second = start({"call", "demo/echo", R"({"message":"hi"})"}, {});
  wait_for_calls(2);
  EXPECT_EQ(run({"daemon", "stop"}).exit_code, 0);
  EXPECT_EQ(first.finish().exit_code, 6) << "partly written, and nobody took it back";
  const Finished finished = second.finish();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.out, "hi\n") << "provably not sent: done by the next daemon";
}

TEST_F(ServerTroubleTest, ACrashInMidCallIsNotTriedAgain) {
  use_demo_server();
  const Finished call = run({"call", "demo/crash", "{}"});
  EXPECT_EQ(call.exit_code, 6);
  EXPECT_EQ(echo().exit_code, 0);
}

TEST_F(ServerTroubleTest, SecretsOfTheConfigurationAppearNowhere) {
  environment["API_TOKEN"] = "tok-4f9a77e1";
  use_server(write_script("leaky", "echo \"bad token: $TOKEN, $PLAIN\" >&2; exit 1"),
             R"("env":{"TOKEN":"${API_TOKEN}","PLAIN":"plain-secret-55"})");
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 3);
  EXPECT_THAT(call.err, HasSubstr("bad token"));
  for (const char* const secret : {"tok-4f9a77e1", "plain-secret-55"}) {
    EXPECT_THAT(call.err, Not(HasSubstr(secret)));
    EXPECT_THAT(run({"list"}).err, Not(HasSubstr(secret)));
    EXPECT_THAT(run({"info", "demo"}).out, Not(HasSubstr(secret)));
    EXPECT_THAT(log(), Not(HasSubstr(secret)));
    EXPECT_THAT(command_line_of(daemon_pid()), Not(HasSubstr(secret)));
  }
}

TEST_F(ServerTroubleTest, SecretsAmongTheArgumentsAppearNowhere) {
  environment["API_TOKEN"] = "tok-4f9a77e1";
  use_server(write_script("leaky", "echo \"bad token: $2\" >&2; exit 1"),
             R"("args":["--token","${API_TOKEN}"])");
  const Finished call = echo();
  EXPECT_EQ(call.exit_code, 3);
  EXPECT_THAT(call.err, HasSubstr("bad token: [API_TOKEN]"));
  EXPECT_THAT(log(), Not(HasSubstr("tok-4f9a77e1")));
}

TEST_F(ServerTroubleTest, ACrashOfTheDaemonWouldLeaveNoSecretInAFile) {
  use_demo_server();
  ASSERT_EQ(echo().exit_code, 0);
  const std::string process = "/proc/" + std::to_string(daemon_pid());
  const std::string limits = read_file(process + "/limits");
  const std::string line = limits.substr(limits.find("Max core file size"));
  EXPECT_THAT(line.substr(0, line.find('\n')), testing::ContainsRegex("size +0 +0 +bytes"));
  EXPECT_EQ(read_file(process + "/coredump_filter"), "00000000\n");
}

TEST_F(ServerTroubleTest, AGrandchildInASessionOfItsOwnEndsWithItsServer) {
  const std::string note = work() + "/grandchild";
  use_server(write_script("leaver", "setsid sh -c 'echo $$ >" + note +
                                        "; exec sleep 1000' </dev/null >/dev/null 2>&1 &\n" +
                                        "exec " + demo_server()));
  ASSERT_EQ(echo().exit_code, 0);
  while (!read_file(note).ends_with('\n')) {
  }
  const pid_t grandchild = std::stoi(read_file(note));
  ASSERT_TRUE(is_running(grandchild));
  EXPECT_EQ(run({"daemon", "stop"}).exit_code, 0);
  EXPECT_FALSE(is_running(grandchild));
}

TEST_F(ServerTroubleTest, AServerThatIgnoresEverythingIsStoppedWithTheDaemon) {
  use_server(write_script(
      "stubborn", "trap '' TERM INT HUP\n" + demo_server() + "\nwhile :; do sleep 1; done"));
  ASSERT_EQ(echo().exit_code, 0);
  const std::vector<pid_t> servers = children_like(daemon_pid(), "stubborn");
  ASSERT_EQ(servers.size(), 1U);
  EXPECT_EQ(run({"daemon", "stop"}).exit_code, 0);
  EXPECT_FALSE(is_running(servers[0]));
}

}  // namespace
}  // namespace mcpwire::test
