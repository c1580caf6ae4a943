// SPDX-License-Identifier: MIT
//
// Everything of MCP but tools on the command line, with the demo server in both eras.
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <string>

namespace mcpwire::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// The parameter pins the server's era in the configuration.
class CliMessagesTest : public CliFixture, public ::testing::WithParamInterface<const char*> {
 protected:
  CliMessagesTest() {
    use_configuration(R"({"mcpServers":{"demo":{"command":")" + program("mcpwire-demo-server") +
                      R"(","era":")" + GetParam() + R"("}}})");
  }

  /// The demo server behind a script that writes down what it is asked, and where.
  std::string use_recorded_server() {
    const std::string log = work() + "/asked";
    const std::string script = work() + "/recorded";
    write_file(script,
               "#!/bin/sh\nwhile IFS= read -r line; do\n  printf '%s\\n' \"$line\" >> '" + log +
                   "'\n  printf '%s\\n' \"$line\"\ndone | '" + program("mcpwire-demo-server") +
                   "'\n",
               0700);
    use_configuration(R"({"mcpServers":{"demo":{"command":")" + script + R"(","era":")" +
                      GetParam() + R"("}}})");
    write_file(log, "");
    return log;
  }
};

INSTANTIATE_TEST_SUITE_P(Eras, CliMessagesTest, ::testing::Values("legacy", "modern"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(CliMessagesTest, ListsResourcesTemplatesAndPrompts) {
  const Finished resources = run({"resources", "demo"});
  EXPECT_EQ(resources.exit_code, 0) << resources.err;
  EXPECT_EQ(resources.out, "demo/demo://readme  A text.\ndemo/demo://bytes   Four bytes.\n");
  EXPECT_EQ(run({"templates", "demo"}).out, "demo/demo://item/{id}  item\n");
  EXPECT_EQ(run({"prompts", "demo"}).out, "demo/greet  Greets somebody.\n");
  EXPECT_THAT(run({"prompts", "demo", "--json"}).out,
              AllOf(StartsWith(R"({"prompts":[{"name":"greet")"), EndsWith("]}\n")));
}

TEST_P(CliMessagesTest, ReadsTextsAndBytes) {
  EXPECT_EQ(run({"read", "demo/demo://readme"}).out, "read me\n");
  EXPECT_EQ(run({"read", "demo", "demo://item/7"}).out, "item 7\n");
  EXPECT_EQ(run({"read", "demo/demo://bytes"}).out, std::string("\0\1\2\xff", 4));
  const Finished missing = run({"read", "demo/demo://nothing"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("Resource not found: demo://nothing"));
}

TEST_P(CliMessagesTest, GetsPromptsAndCompletesTheirArguments) {
  EXPECT_EQ(run({"prompt", "demo/greet", R"({"name":"Ann"})"}).out, "user: Greet Ann.\n");
  EXPECT_EQ(run({"prompt", "demo", "greet", R"({"name":"Ann"})"}).out, "user: Greet Ann.\n");
  EXPECT_EQ(run({"prompt", "demo/greet"}).exit_code, 2);
  EXPECT_EQ(run({"complete", "demo/greet", "name", "A"}).out, "Ada\nAlan\n");
}

TEST_P(CliMessagesTest, SendsAnyRequestAndPrintsItsRawResult) {
  const Finished listed = run({"request", "demo", "prompts/list"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr(R"("name":"greet")"));
  environment["MCPWIRE_DEMO_PAGE_SIZE"] = "1";
  const Finished unknown = run({"request", "demo", "no/such"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("no/such"));
}

TEST_P(CliMessagesTest, ATaskIsWaitedFor) {
  const Finished done = run({"call", "demo/task", R"({"ms":120})"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const bool is_task = std::string_view(GetParam()) == "modern";
  EXPECT_EQ(done.out, is_task ? "task done\n" : "slept 120 ms\n");
  const Finished asked =
      run({"request", "demo", "tools/call", R"({"name":"task","arguments":{"ms":60},"task":{}})"});
  EXPECT_THAT(asked.out, HasSubstr("task done"));
}

TEST_P(CliMessagesTest, CtrlCCancelsTheTaskAtTheServer) {
  const std::string log = use_recorded_server();
  const std::string task = R"({"name":"task","arguments":{"ms":600000},"task":{}})";
  RunningProgram waiting = start({"request", "demo", "tools/call", task}, {});
  while (read_file(log).find("\"tasks/get\"") == std::string::npos) run({"ping"});
  waiting.signal(SIGINT);
  EXPECT_EQ(waiting.finish().exit_code, 7);
  EXPECT_THAT(read_file(log), HasSubstr("\"tasks/cancel\""));
}

TEST_P(CliMessagesTest, WithoutATerminalTheServersQuestionIsDeclined) {
  const Finished asked = run({"call", "demo/ask"});
  EXPECT_EQ(asked.exit_code, 0) << asked.err;
  EXPECT_EQ(asked.out, "answered {\"action\":\"decline\"}\n");
  EXPECT_EQ(run({"call", "demo/roots"}).out, "answered {\"roots\":[]}\n");
}

TEST_P(CliMessagesTest, ATerminalAsksTheFieldsOfTheForm) {
  const Terminal terminal;
  Launch launch;
  launch.in_fd = launch.err_fd = terminal.inner.get();
  launch.input = std::nullopt;
  RunningProgram accepted = start({"call", "demo/ask", "{}"}, launch);
  EXPECT_THAT(terminal.await("string> "), HasSubstr("What is your name?"));
  terminal.type("Ann\n");
  terminal.await("[c]ancel> ");
  terminal.type("y\n");
  EXPECT_EQ(accepted.finish().out,
            "answered {\"action\":\"accept\",\"content\":{\"name\":\"Ann\"}}\n");
  RunningProgram declined = start({"call", "demo/ask", "{}"}, launch);
  terminal.await("string> ");
  terminal.type("Ann\n");
  terminal.await("[c]ancel> ");
  terminal.type("n\n");
  EXPECT_EQ(declined.finish().out, "answered {\"action\":\"decline\"}\n");
  RunningProgram silent = start({"call", "demo/ask", "{}", "--no-input"}, launch);
  EXPECT_EQ(silent.finish().out, "answered {\"action\":\"decline\"}\n");
}

TEST_P(CliMessagesTest, CtrlCAtAQuestionCancelsTheCall) {
  const Terminal terminal;
  Launch launch;
  launch.in_fd = launch.err_fd = terminal.inner.get();
  launch.input = std::nullopt;
  RunningProgram running = start({"call", "demo/ask", "{}"}, launch);
  terminal.await("string> ");
  running.signal(SIGINT);
  EXPECT_EQ(running.finish().exit_code, 7);
}

TEST_P(CliMessagesTest, ProgressIsShownWhereItIsWanted) {
  const Finished shown = run({"call", "demo/progress", R"({"steps":2,"ms":1})", "--progress"});
  EXPECT_EQ(shown.out, "2 steps done\n");
  EXPECT_THAT(shown.err, AllOf(HasSubstr("mcpwire: progress 1 of 2: step 1\n"),
                               HasSubstr("mcpwire: progress 2 of 2: step 2\n")));
  EXPECT_EQ(run({"call", "demo/progress", R"({"steps":2,"ms":1})"}).err, "");
}

TEST_P(CliMessagesTest, LogMessagesOfTheCallAreShownWithItsProgress) {
  EXPECT_EQ(run({"call", "demo/log", "--progress"}).err, "mcpwire: demo: info demo: logged\n");
  EXPECT_EQ(run({"call", "demo/log"}).err, "");
}

TEST_P(CliMessagesTest, TheTraceOfTheCallerReachesTheServer) {
  const std::string log = use_recorded_server();
  const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  environment["TRACEPARENT"] = parent;
  environment["TRACESTATE"] = "rojo=1,congo=\"2\"";
  const std::string members =
      R"("traceparent":")" + parent + R"(","tracestate":"rojo=1,congo=\"2\"")";
  EXPECT_EQ(run({"call", "demo/echo", R"({"message":"hi"})"}).out, "hi\n");
  EXPECT_THAT(read_file(log), HasSubstr(members));
  write_file(log, "");
  EXPECT_EQ(run({"read", "demo/demo://readme"}).exit_code, 0);
  EXPECT_THAT(read_file(log), HasSubstr(members));
  write_file(log, "");
  const char* own = R"({"_meta":{"traceparent":"mine","x":1}})";
  EXPECT_EQ(run({"request", "demo", "prompts/list", own}).exit_code, 0);
  EXPECT_THAT(read_file(log), AllOf(HasSubstr(R"("traceparent":"mine")"), Not(HasSubstr("rojo"))));
  write_file(log, "");
  environment["TRACEPARENT"] = parent + "x";
  const Finished ignored = run({"call", "demo/echo", R"({"message":"hi"})"});
  EXPECT_EQ(ignored.exit_code, 0);
  EXPECT_EQ(ignored.err, "");
  EXPECT_THAT(read_file(log), Not(HasSubstr("trace")));
}

TEST_P(CliMessagesTest, ListenShowsWhatHappensUntilCtrlC) {
  Launch launch;
  launch.input = std::nullopt;
  RunningProgram listening = start({"listen", "demo", "--uri", "demo://readme"}, launch);
  listening.await("demo  notifications/subscriptions/acknowledged");
  run({"call", "demo/touch", R"({"uri":"demo://readme"})"});
  listening.await("demo  notifications/resources/updated  {\"uri\":\"demo://readme\"}\n");
  run({"call", "demo/grow"});
  listening.await("demo  notifications/tools/list_changed\n");
  EXPECT_THAT(run({"list", "demo"}).out, HasSubstr("demo/grown"));
  listening.signal(SIGINT);
  EXPECT_EQ(listening.finish().exit_code, 0);
}

TEST_P(CliMessagesTest, ListenGoesOnAfterItsServerEnded) {
  Launch launch;
  launch.input = std::nullopt;
  RunningProgram listening = start({"listen", "demo", "--json"}, launch);
  listening.await("acknowledged");
  EXPECT_EQ(run({"call", "demo/crash"}).exit_code, 6);
  listening.await(R"({"server":"demo","method":"notifications/tools/list_changed"})");
  listening.signal(SIGINT);
  EXPECT_EQ(listening.finish().exit_code, 0);
}

TEST_P(CliMessagesTest, ListenEndsInOrderAfterItsTime) {
  const Finished listened = run({"listen", "--timeout", "300ms"});
  EXPECT_EQ(listened.exit_code, 0) << listened.err;
  EXPECT_EQ(run({"listen", "nobody"}).exit_code, 1);
}

}  // namespace
}  // namespace mcpwire::test
