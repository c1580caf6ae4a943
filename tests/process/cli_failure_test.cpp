// SPDX-License-Identifier: MIT
//
// What mcpwire says where there is no result: one JSON object on standard output with --json,
// nothing that a server could forge on standard error, and no secret in either.
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CliFailureTest : public CliFixture {
 protected:
  /// A server that answers each line that holds `method` with `rest`, and initialize as it should.
  void use_scripted_server(const std::string& rest, const std::string& members = {}) {
    const std::string script = work() + "/server.sh";
    write_file(script,
               "#!/bin/sh\n"
               "while read -r line; do\n"
               "  id=${line#*'\"id\":'}; id=${id%%[,\\}]*}\n"
               "  case $line in\n"
               "    *'\"initialize\"'*) rest='\"result\":{\"protocolVersion\":\"2025-06-18\","
               "\"capabilities\":{\"tools\":{},\"resources\":{},\"prompts\":{}},\"serverInfo\":{"
               "\"name\":\"s\",\"version\":\"1\"}}';;\n"
               "    *'\"notifications/'*) continue;;\n"
               "    *) rest='" +
                   rest +
                   "';;\n"
                   "  esac\n"
                   "  printf '%s\\n' \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":$id,$rest}\"\n"
                   "done\n",
               0700);
    use_configuration(R"({"mcpServers":{"s":{"command":")" + script + R"(","era":"legacy")" +
                      members + "}}}");
  }

  /// The one object on standard output.
  static nlohmann::json failure_of(const Finished& finished) {
    EXPECT_EQ(finished.out.find('\n'), finished.out.size() - 1) << finished.out;
    const auto json = nlohmann::json::parse(finished.out, nullptr, false);
    EXPECT_TRUE(json.is_object()) << finished.out;
    EXPECT_TRUE(json.contains("outcome"));
    EXPECT_TRUE(json.contains("may_have_been_sent"));
    EXPECT_TRUE(json.contains("error"));
    return json;
  }
};

TEST_F(CliFailureTest, EveryLocalErrorIsOneObjectWithJson) {
  use_demo_server();
  struct Case {
    std::vector<std::string> arguments;
    int exit_code;
    const char* kind;
  };
  const Case cases[] = {
      {{"call", "demo", "--json"}, 1, "invalid"},
      {{"frob", "--json"}, 1, "invalid"},
      {{"list", "--json", "--timeout", ""}, 1, "invalid"},
      {{"-c", "", "list", "--json"}, 1, "invalid"},
      {{"call", "demo/echo", "{", "--json"}, 1, "invalid"},
      {{"call", "demo/echo", "[]", "--json"}, 1, "invalid"},
      {{"call", "demmo/echo", "{}", "--json"}, 1, "not_found"},
      {{"-c", "/none/such.json", "call", "demo/echo", "{}", "--json"}, 1, "configuration"},
      {{"info", "demo/no_such_tool", "--json"}, 1, "not_found"},
      {{"read", "demmo/x", "--json"}, 1, "not_found"},
      {{"request", "demo", "no/such", "--json"}, 3, "unsupported"}};
  for (const Case& one : cases) {
    const Finished finished = run(one.arguments);
    EXPECT_EQ(finished.exit_code, one.exit_code) << finished.err;
    const nlohmann::json failure = failure_of(finished);
    EXPECT_EQ(failure["may_have_been_sent"], false);
    EXPECT_EQ(failure["error"]["kind"], one.kind) << finished.out;
    EXPECT_FALSE(failure["error"]["message"].get<std::string>().empty());
    EXPECT_THAT(finished.err, HasSubstr("mcpwire: "));
  }
}

TEST_F(CliFailureTest, TheDocumentShowsWhatIsPrinted) {
  use_demo_server();
  const std::string printed = run({"call", "demmo/echo", "{}", "--json"}).out;
  EXPECT_THAT(read_file(MCPWIRE_COMMAND_LINE_DOCUMENT), HasSubstr("```json\n" + printed + "```"));
}

TEST_F(CliFailureTest, WithoutADaemonToBeHadToo) {
  use_demo_server();
  write_file(work() + "/file", "");
  environment["MCPWIRE_RUNTIME_DIR"] = work() + "/file";
  const Finished finished = run({"call", "demo/echo", "{}", "--json"});
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_EQ(failure_of(finished)["outcome"], "not_sent");
}

TEST_F(CliFailureTest, AResultThatIsNoObjectIsCalledThat) {
  use_scripted_server(R"("result":[1])");
  const Finished call = run({"call", "s/x", "{}", "--json"});
  EXPECT_EQ(call.exit_code, 6) << "it ran";
  EXPECT_EQ(failure_of(call)["outcome"], "unknown");
  EXPECT_THAT(call.err,
              HasSubstr("the server's result is an array, and a result must be an object"));
  EXPECT_THAT(run({"list"}).err, HasSubstr("a result must be an object"));
}

TEST_F(CliFailureTest, AServersErrorForgesNoLine) {
  use_scripted_server(R"("error":{"code":-1,"message":"no\\nmcpwire: all is well\\u001b[2J"})");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"list"}, {"call", "s/x", "{}"}, {"resources", "s"}}) {
    const Finished finished = run(arguments);
    EXPECT_NE(finished.exit_code, 0);
    EXPECT_THAT(finished.err, HasSubstr("all is well"));
    EXPECT_THAT(finished.err, Not(HasSubstr("\nmcpwire: all")));
    EXPECT_THAT(finished.err, Not(HasSubstr("\x1b")));
  }
}

TEST_F(CliFailureTest, AServersErrorTellsNoSecret) {
  environment["MY_PASS"] = "sesame-2";
  use_scripted_server(R"("error":{"code":-1,"message":"bad sesame-1, sesame-2","data":"sesame-1"})",
                      R"(,"env":{"API_TOKEN":"sesame-1"},"args":["${MY_PASS}"])");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"list"},
                                                    {"list", "--json"},
                                                    {"info", "s", "--json"},
                                                    {"call", "s/x", "{}"},
                                                    {"call", "s/x", "{}", "--json"},
                                                    {"prompts", "s", "--json"},
                                                    {"request", "s", "resources/list", "--json"}}) {
    const Finished finished = run(arguments);
    EXPECT_NE(finished.exit_code, 0);
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr("sesame"))) << arguments[0];
  }
  EXPECT_THAT(run({"call", "s/x", "{}"}).err, HasSubstr("bad [API_TOKEN], [MY_PASS] (code -1)"));
}

TEST_F(CliFailureTest, ARemovedDirectoryMattersOnlyWhereItIsNeeded) {
  use_demo_server();
  const std::string gone = work() + "/gone";
  const std::string command = "mkdir -p " + gone + " && cd " + gone + " && rmdir " + gone + " && ";
  Launch launch;
  launch.program = "/bin/sh";
  const std::string call = program("mcpwire") + R"( call demo/echo '{"message":"hi"}')";
  const Finished absolute = run({"-c", command + call}, launch);
  EXPECT_EQ(absolute.exit_code, 0) << absolute.err;
  EXPECT_EQ(absolute.out, "hi\n");
  environment.erase("MCPWIRE_CONFIG");
  const Finished searched = run({"-c", command + call}, launch);
  EXPECT_EQ(searched.exit_code, 1);
  EXPECT_THAT(searched.err, HasSubstr("was it removed?"));
}

TEST_F(CliFailureTest, ANumberThatNoDoubleHoldsReachesTheServerAsItIs) {
  use_demo_server();
  const Finished echoed = run({"call", "demo/echo", R"({"message":"hi","rest":1e400})"});
  EXPECT_EQ(echoed.exit_code, 0) << echoed.err;
  EXPECT_EQ(echoed.out, "hi\n");
}

TEST_F(CliFailureTest, EveryProgramRefusesWhatItDoesNotKnow) {
  for (const char* const name : {"mcpwired", "mcpwire-demo-server", "mcp-bench"}) {
    Launch launch;
    launch.program = name;
    const Finished unknown = run({"--frob"}, launch);
    EXPECT_EQ(unknown.exit_code, 1) << name;
    EXPECT_EQ(unknown.out, "");
    EXPECT_NE(unknown.err, "");
    const Finished help = run({"--help"}, launch);
    EXPECT_EQ(help.exit_code, 0) << name;
    EXPECT_THAT(help.out, HasSubstr("Usage: " + std::string(name)));
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  }
  Launch daemon;
  daemon.program = "mcpwired";
  for (const char* const seconds : {"0", "1e300", "-1", "nan", "x"}) {
    const Finished refused = run({"--daemon-idle", seconds}, daemon);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("from 0.001 to 1000000000"));
    EXPECT_LT(refused.err.size(), 200u);
  }
}

}  // namespace
}  // namespace mcpwire::test
