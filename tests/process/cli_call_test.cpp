// SPDX-License-Identifier: MIT
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>

#include <csignal>
#include <string>

namespace mcpwire::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CliCallTest : public CliFixture {
 protected:
  CliCallTest() { use_demo_server(); }

  /// Waits until the demo server was sent a call, by asking the daemon.
  void wait_for_a_call_in_flight() {
    for (int i = 0; i < 1000; ++i) {
      const Finished info = run({"info", "demo", "--json"});
      if (info.out.find("\"calls\":1") != std::string::npos) return;
    }
    ADD_FAILURE() << "the call never arrived";
  }
};

TEST_F(CliCallTest, PrintsTheTextOfAResult) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"call", "demo/echo", R"({"message":"hi"})"},
        std::vector<std::string>{"call", "demo", "echo", R"({"message":"hi"})"}}) {
    const Finished call = run(arguments);
    EXPECT_EQ(call.exit_code, 0);
    EXPECT_EQ(call.out, "hi\n");
    EXPECT_EQ(call.err, "");
  }
}

TEST_F(CliCallTest, TakesArgumentsFromStandardInput) {
  const Finished piped = run({"call", "demo/echo"}, {.input = "{\"message\":\n\"hi\"}\n"});
  EXPECT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_EQ(piped.out, "hi\n");
  EXPECT_EQ(run({"call", "demo/echo", "-"}, {.input = R"({"message":"hi"})"}).out, "hi\n");
  EXPECT_EQ(run({"call", "demo", "echo", "-"}, {.input = R"({"message":"hi"})"}).out, "hi\n");
  EXPECT_EQ(run({"call", "demo/fail"}, {.input = ""}).exit_code, 5) << "nothing means {}";
}

TEST_F(CliCallTest, GivesTheWholeResultAsJson) {
  const Finished call = run({"call", "demo/add", R"({"a":1,"b":2})", "--json"});
  EXPECT_EQ(call.exit_code, 0);
  EXPECT_THAT(call.out, HasSubstr("\"structuredContent\""));
  EXPECT_THAT(call.out, EndsWith("}\n"));
}

TEST_F(CliCallTest, MalformedArgumentsAreShownAndNothingIsSent) {
  const Finished call = run({"call", "demo/ledger", R"({"token": x})"});
  EXPECT_EQ(call.exit_code, 1);
  EXPECT_EQ(call.out, "");
  EXPECT_THAT(call.err, HasSubstr("line 1, column"));
  EXPECT_THAT(call.err, HasSubstr("\n  {\"token\": x}\n"));
  EXPECT_EQ(run({"call", "demo/ledger", "[1]"}).exit_code, 1);
  EXPECT_EQ(run({"call", "demo/ledger", "-"}, {.input = "{"}).exit_code, 1);
  EXPECT_EQ(run({"daemon", "status"}).exit_code, 3) << "not even a daemon was started";
}

TEST_F(CliCallTest, AToolsOwnErrorIsFive) {
  const Finished call = run({"call", "demo/fail", R"({"message":"no luck"})"});
  EXPECT_EQ(call.exit_code, 5);
  EXPECT_THAT(call.out, HasSubstr("no luck"));
  EXPECT_THAT(call.err, HasSubstr("the tool reported an error"));
  EXPECT_EQ(run({"call", "demo/fail", "{}", "--json"}).exit_code, 5);
}

TEST_F(CliCallTest, AServersErrorIsTwo) {
  const Finished call = run({"call", "demo/no_such_tool", "{}"});
  EXPECT_EQ(call.exit_code, 2) << call.err;
  EXPECT_EQ(call.out, "");
  EXPECT_THAT(call.err, HasSubstr("(code -32602)"));
  const Finished json = run({"call", "demo/no_such_tool", "{}", "--json"});
  EXPECT_EQ(json.exit_code, 2);
  EXPECT_THAT(json.out, StartsWith(R"({"outcome":"peer_error")"));
}

TEST_F(CliCallTest, AnUnknownServerIsNamedWithASuggestion) {
  const Finished call = run({"call", "demmo/echo", "{}"});
  EXPECT_EQ(call.exit_code, 1);
  EXPECT_THAT(call.err, HasSubstr("did you mean 'demo'?"));
}

TEST_F(CliCallTest, AServerThatDiesInMidCallIsSix) {
  const Finished call = run({"call", "demo/crash", "{}"});
  EXPECT_EQ(call.exit_code, 6) << call.err;
  EXPECT_THAT(call.err, HasSubstr("it may have happened"));
  const Finished json = run({"call", "demo/crash", "{}", "--json"});
  EXPECT_THAT(json.out, StartsWith(R"({"outcome":"unknown","may_have_been_sent":true)"));
  EXPECT_EQ(run({"call", "demo/echo", R"({"message":"back"})"}).out, "back\n");
}

TEST_F(CliCallTest, ACallThatTakesTooLongIsSix) {
  // Started before, so that the time goes to the call and not to the start.
  ASSERT_EQ(run({"list"}).exit_code, 0);
  const Finished call = run({"call", "demo/sleep", R"({"ms":3600000})", "--timeout", "1s"});
  EXPECT_EQ(call.exit_code, 6) << call.err;
  EXPECT_THAT(call.err, HasSubstr("it may have happened"));
}

TEST_F(CliCallTest, AnInterruptionCancelsAtTheServer) {
  for (const int signal : {SIGINT, SIGTERM}) {
    RunningProgram call =
        start({"call", "demo/sleep", R"({"ms":3600000})"}, {.input = std::nullopt});
    call.close_input();
    wait_for_a_call_in_flight();
    call.signal(signal);
    const Finished finished = call.finish();
    EXPECT_EQ(finished.exit_code, 7) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_EQ(run({"daemon", "stop"}).exit_code, 0);
  }
}

TEST_F(CliCallTest, ADaemonThatIsKilledInMidCallIsSixAndIsReplaced) {
  RunningProgram call = start({"call", "demo/sleep", R"({"ms":3600000})"}, {.input = std::nullopt});
  call.close_input();
  wait_for_a_call_in_flight();
  const pid_t killed = daemon_pid();
  ASSERT_GT(killed, 1);
  ::kill(killed, SIGKILL);
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 6) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("it may have happened"));
  const Finished next = run({"call", "demo/echo", R"({"message":"again"})"});
  EXPECT_EQ(next.exit_code, 0) << next.err;
  EXPECT_EQ(next.out, "again\n");
}

TEST_F(CliCallTest, LargeResultsArriveWhole) {
  const Finished call = run({"call", "demo/blob", R"({"bytes":5000000})"});
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(call.out.size(), 5'000'001u);
}

TEST_F(CliCallTest, LargeArgumentsArriveWhole) {
  const std::string message(50'000, 'm');
  const Finished call =
      run({"call", "demo/echo", "-"}, {.input = R"({"message":")" + message + "\"}"});
  EXPECT_EQ(call.exit_code, 0) << call.err;
  EXPECT_EQ(call.out, message + "\n");
}

TEST_F(CliCallTest, AReaderThatLeavesIsNoFailure) {
  RunningProgram call = start({"call", "demo/blob", R"({"bytes":1000000})"}, {});
  call.close_input();
  call.close_output();
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.err, "");
}

TEST_F(CliCallTest, AFullDiskIsNotSilent) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const Finished call = run({"call", "demo/echo", R"({"message":"hi"})"}, {.out_fd = full.get()});
  EXPECT_EQ(call.exit_code, 6) << "the tool ran";
  EXPECT_EQ(run({"list"}, {.out_fd = full.get()}).exit_code, 3) << "here nothing did";
  EXPECT_THAT(call.err, HasSubstr("No space left on device"));
}

TEST_F(CliCallTest, WhatAServerSendsPassesThroughAPipeUntouched) {
  const Finished call = run({"call", "demo/echo", R"({"message":"\u001b[31mred ä\u0007"})"});
  EXPECT_EQ(call.out, "\x1b[31mred ä\a\n");
}

TEST_F(CliCallTest, WhatAServerSendsCannotSteerATerminal) {
  const Terminal terminal;
  const Finished call = run({"call", "demo/echo", R"({"message":"\u001b[31mred ä\nb"})"},
                            {.out_fd = terminal.inner.get()});
  EXPECT_EQ(call.exit_code, 0);
  EXPECT_EQ(terminal.see(), "\\x1b[31mred ä\r\nb\r\n");
}

}  // namespace
}  // namespace mcpwire::test
