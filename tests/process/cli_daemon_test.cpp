// SPDX-License-Identifier: MIT
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <cstdio>
#include <string>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CliDaemonTest : public CliFixture {
 protected:
  /// What has ended and only waits to be reaped by its parent, which is not ours, runs no more.
  bool is_running(pid_t process_id) {
    const std::string stat = read_file("/proc/" + std::to_string(process_id) + "/stat");
    const std::size_t name_end = stat.rfind(") ");
    return name_end != std::string::npos && stat[name_end + 2] != 'Z';
  }
};

TEST_F(CliDaemonTest, StartsOnceAndStopsOnce) {
  EXPECT_EQ(run({"daemon", "status"}).exit_code, 3);
  EXPECT_EQ(run({"daemon", "status", "--json"}).out, "{\"running\":false}\n");
  const Finished started = run({"daemon", "start"});
  EXPECT_EQ(started.exit_code, 0) << started.err;
  EXPECT_THAT(started.out, StartsWith("mcpwired started, pid "));
  const pid_t pid = daemon_pid();
  ASSERT_GT(pid, 1);
  EXPECT_TRUE(is_running(pid));
  EXPECT_EQ(read_file("/proc/" + std::to_string(pid) + "/comm"), "mcpwired\n");
  const Finished again = run({"daemon", "start"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out, "mcpwired is running already, pid " + std::to_string(pid) + "\n");
  const Finished status = run({"daemon", "status"});
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_THAT(status.out, HasSubstr("pid        " + std::to_string(pid)));

  EXPECT_EQ(run({"daemon", "stop"}).exit_code, 0);
  EXPECT_FALSE(is_running(pid)) << "it returns when the process is gone";
  const Finished stopped = run({"daemon", "stop"});
  EXPECT_EQ(stopped.exit_code, 0);
  EXPECT_EQ(stopped.out, "mcpwired is not running\n");
}

TEST_F(CliDaemonTest, AnswersAPing) {
  const Finished ping = run({"ping"});
  EXPECT_EQ(ping.exit_code, 0) << ping.err;
  EXPECT_THAT(ping.out, HasSubstr(" answered in "));
  EXPECT_THAT(run({"ping", "--json"}).out, HasSubstr("\"round_trip_ns\":"));
}

TEST_F(CliDaemonTest, AMissingConfigurationIsExplained) {
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, HasSubstr(work() + "/mcp_servers.json"));
  EXPECT_THAT(list.err, HasSubstr(home() + "/.config/mcp/mcp_servers.json"));
  const Finished chosen = run({"-c", "nope.json", "list"});
  EXPECT_EQ(chosen.exit_code, 1);
  EXPECT_THAT(chosen.err, HasSubstr("nope.json: no such file"));
}

TEST_F(CliDaemonTest, ListsToolsOneALine) {
  use_demo_server();
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, StartsWith("demo/echo "));
  EXPECT_THAT(list.out, HasSubstr("\ndemo/add       Answers with the sum of two numbers.\n"));
  EXPECT_THAT(run({"list", "demo", "--json"}).out,
              StartsWith(R"({"servers":[{"name":"demo","tools":[{"name":"echo")"));
}

TEST_F(CliDaemonTest, OneBrokenServerHidesNoOther) {
  use_configuration(R"({"mcpServers":{"gone":{"command":"/no/such/program"},"bad":{"args":7},
      "far":{"url":"http://localhost:1/"},"demo":{"command":")" +
                    program("mcpwire-demo-server") + "\"}}}");
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(list.out, HasSubstr("demo/echo"));
  EXPECT_THAT(list.err, HasSubstr("mcpwire: gone: "));
  EXPECT_THAT(list.err, HasSubstr("mcpwire: bad: "));
  EXPECT_THAT(list.err, HasSubstr("mcpwire: far: "));
  EXPECT_EQ(run({"list", "gone"}).exit_code, 1);
  EXPECT_EQ(run({"call", "gone/x", "{}"}).exit_code, 1);
  EXPECT_THAT(run({"list", "dmeo"}).err, HasSubstr("did you mean 'demo'?"));
}

TEST_F(CliDaemonTest, MalformedConfigurationNamesThePlace) {
  use_configuration("{\n  \"mcpServers\": {,}\n}");
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, HasSubstr("servers.json:2:18: not valid JSON"));
}

TEST_F(CliDaemonTest, AConfigurationThatOthersMayChangeIsRefused) {
  use_demo_server();
  write_file(environment["MCPWIRE_CONFIG"], read_file(environment["MCPWIRE_CONFIG"]), 0666);
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, HasSubstr("chmod go-w"));
}

TEST_F(CliDaemonTest, ShowsAToolAndSuggestsItsName) {
  use_demo_server();
  const Finished info = run({"info", "demo/echo"});
  EXPECT_EQ(info.exit_code, 0) << info.err;
  EXPECT_THAT(info.out, HasSubstr("  message  string, required\n"));
  EXPECT_THAT(info.out, HasSubstr("mcpwire call demo/echo '{\"message\":\"text\"}'"));
  const Finished typo = run({"info", "demo/ecko"});
  EXPECT_EQ(typo.exit_code, 1);
  EXPECT_THAT(typo.err, HasSubstr("unknown tool 'ecko'; did you mean 'echo'?"));
  const Finished server = run({"info", "demo"});
  EXPECT_EQ(server.exit_code, 0) << server.err;
  EXPECT_THAT(server.out, HasSubstr("ready, pid "));
  EXPECT_THAT(server.out, HasSubstr("  add(a: number, b: number)\n"));
}

TEST_F(CliDaemonTest, AVariableIsTheCallers) {
  environment["GREETING"] = "s3cret";
  use_configuration(R"({"mcpServers":{"demo":{"command":")" + program("mcpwire-demo-server") +
                    R"(","env":{"G":"${GREETING}"}}}})");
  EXPECT_EQ(run({"list"}).exit_code, 0);
  environment.erase("GREETING");
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, HasSubstr("env.G: the variable GREETING is not set"));
}

class CliApproveTest : public CliDaemonTest {
 protected:
  CliApproveTest() { write_project("one"); }

  void write_project(const std::string& argument) {
    // The demo server takes no argument of which it knows nothing; a shell does.
    write_file(work() + "/.mcp.json",
               R"({"mcpServers":{"demo":{"command":"/bin/sh","args":["-c","exec )" +
                   program("mcpwire-demo-server") + "\",\"" + argument +
                   R"("],"env":{"TOKEN":"s3cret"}}}})");
  }
};

TEST_F(CliApproveTest, AFoundConfigurationStartsNothingBeforeItsApproval) {
  const Finished refused = run({"list"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("mcpwire approve '" + work() + "/.mcp.json'"));
  EXPECT_EQ(run({"call", "demo/echo", R"({"message":"hi"})"}).exit_code, 1);

  const Finished nobody = run({"approve"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("--yes"));
  EXPECT_EQ(run({"list"}).exit_code, 1) << "showing is not approving";

  const Finished approved = run({"approve", "--yes"});
  EXPECT_EQ(approved.exit_code, 0) << approved.err;
  EXPECT_THAT(approved.out, HasSubstr("argument   \"one\""));
  EXPECT_THAT(approved.out, HasSubstr("variable   \"TOKEN\""));
  EXPECT_THAT(approved.out, Not(HasSubstr("s3cret")));
  EXPECT_THAT(read_file(home() + "/.local/state/mcpwire/approvals"), Not(HasSubstr("s3cret")));
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 0) << list.err;
  EXPECT_THAT(run({"approve"}).out, HasSubstr("Nothing is left to approve."));
}

TEST_F(CliApproveTest, AChangedCommandAsksAgain) {
  ASSERT_EQ(run({"approve", "--yes"}).exit_code, 0);
  ASSERT_EQ(run({"list"}).exit_code, 0);
  write_project("two");
  const Finished list = run({"list"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_THAT(list.err, HasSubstr("mcpwire approve"));
}

TEST_F(CliApproveTest, AsksAPersonAtATerminal) {
  const Terminal terminal;
  terminal.type("n\n");
  const Finished refused = run({"approve"}, {.in_fd = terminal.inner.get()});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("[y/N]"));
  EXPECT_THAT(refused.out, HasSubstr("Nothing was approved."));
  EXPECT_EQ(run({"list"}).exit_code, 1);
  terminal.type("y\n");
  EXPECT_EQ(run({"approve"}, {.in_fd = terminal.inner.get()}).exit_code, 0);
  EXPECT_EQ(run({"list"}).exit_code, 0);
}

TEST_F(CliApproveTest, TheDaemonLooksWhereTheApprovalWentWhateverTheEnvironment) {
  environment["XDG_STATE_HOME"] = home() + "/state";
  ASSERT_EQ(run({"approve", "--yes"}).exit_code, 0);
  EXPECT_EQ(run({"list"}).exit_code, 0);
}

TEST_F(CliApproveTest, AFileThatIsALinkIsApprovedUnderItsOwnName) {
  ASSERT_EQ(::rename((work() + "/.mcp.json").c_str(), (home() + "/real.json").c_str()), 0);
  ASSERT_EQ(::symlink((home() + "/real.json").c_str(), (work() + "/.mcp.json").c_str()), 0);
  EXPECT_THAT(run({"list"}).err, HasSubstr("mcpwire approve '" + home() + "/real.json'"));
  ASSERT_EQ(run({"approve", home() + "/real.json", "--yes"}).exit_code, 0);
  EXPECT_EQ(run({"list"}).exit_code, 0);
}

TEST_F(CliApproveTest, TheSameFileNamedByItsUserNeedsNoApproval) {
  EXPECT_EQ(run({"-c", ".mcp.json", "list"}).exit_code, 0);
}

TEST_F(CliApproveTest, WhatIsShownCannotHideAnything) {
  write_file(
      work() + "/.mcp.json",
      R"({"mcpServers":{"demo":{"command":"/bin/sh","args":["-c","evil #\u001b[2K\rnice"]}}})");
  const Finished shown = run({"approve"});
  EXPECT_THAT(shown.out, HasSubstr("argument   \"evil #\\x1b[2K\\rnice\"\n"));
}

}  // namespace
}  // namespace mcpwire::test
