// SPDX-License-Identifier: MIT
//
// The tools of mcpwire-demo-server.
#include "tests/tools/demo_server_process.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace mcpwire::demo::test {
namespace {

TEST(DemoServerToolsTest, FailsOnRequest) {
  DemoServer server;
  const json result = server.call(1, "fail", {{"message", "no \"luck\""}})["result"];
  EXPECT_EQ(result["isError"], true);
  EXPECT_EQ(result["content"], text_content("no \"luck\""));
  EXPECT_EQ(server.call(2, "fail")["result"]["isError"], true);
}

TEST(DemoServerToolsTest, BlobHasTheSizeThatWasAskedFor) {
  DemoServer server;
  for (const std::size_t bytes : {0u, 1u, 65'536u, 5'000'000u}) {
    const json answer = server.call(1, "blob", {{"bytes", bytes}});
    EXPECT_EQ(answer["result"]["content"][0]["text"].get<std::string>().size(), bytes);
  }
}

TEST(DemoServerToolsTest, ASleepHoldsUpNobody) {
  DemoServer server;
  server.send({{"jsonrpc", "2.0"},
               {"id", "long"},
               {"method", "tools/call"},
               {"params", {{"name", "sleep"}, {"arguments", {{"ms", 3'600'000}}}}}});
  EXPECT_EQ(server.call("quick", "echo", {{"message", "x"}})["id"], "quick");
  EXPECT_EQ(server.call("short", "sleep", {{"ms", 1}})["id"], "short");
  EXPECT_EQ(server.call("none", "sleep", {{"ms", 0}})["result"]["content"],
            text_content("slept 0 ms"));
}

/// What is cancelled is due before the marker, so its answer would come first.
TEST(DemoServerToolsTest, ACancelledCallIsNotAnswered) {
  DemoServer server;
  const auto start = [&](const json& id, const char* tool, const json& arguments) {
    server.send(
        {{"jsonrpc", "2.0"},
         {"id", id},
         {"method", "tools/call"},
         {"params",
          {{"name", tool}, {"arguments", arguments}, {"_meta", {{"progressToken", "t"}}}}}});
  };
  const auto cancel = [&](const json& id) {
    server.send({{"jsonrpc", "2.0"},
                 {"method", "notifications/cancelled"},
                 {"params", {{"requestId", id}}}});
  };
  start("1", "sleep", {{"ms", 200}});
  start(1, "sleep", {{"ms", 201}});
  start(3, "progress", {{"steps", 3}, {"ms", 200}});
  cancel(1);
  cancel(3);
  cancel(99);
  start(4, "sleep", {{"ms", 900}});
  EXPECT_EQ(server.receive()["id"], "1");
  EXPECT_EQ(server.receive()["id"], 4);
}

TEST(DemoServerToolsTest, ProgressIsReportedUnderItsTokenOnly) {
  DemoServer server;
  const auto run = [&](json params) {
    params["name"] = "progress";
    params["arguments"] = {{"steps", 3}, {"ms", 1}};
    return server.ask(1, "tools/call", params);
  };
  for (const json& token : {json("tok"), json(7)}) {
    json message = run({{"_meta", {{"progressToken", token}}}});
    for (int step = 1; step <= 3; ++step) {
      EXPECT_EQ(message["method"], "notifications/progress");
      EXPECT_EQ(message["params"]["progressToken"], token);
      EXPECT_EQ(message["params"]["progress"], step);
      EXPECT_EQ(message["params"]["total"], 3);
      message = server.receive();
    }
    EXPECT_EQ(message["result"]["content"], text_content("3 steps done"));
  }
  EXPECT_EQ(run(json::object())["result"]["content"], text_content("3 steps done"));
  EXPECT_TRUE(run({{"_meta", {{"progressToken", nullptr}}}}).contains("result"));
}

TEST(DemoServerToolsTest, LedgerIsWrittenBeforeTheAnswer) {
  const std::string path = ::testing::TempDir() + "mcpwire_ledger_" + std::to_string(::getpid());
  std::remove(path.c_str());
  DemoServer server({"MCPWIRE_LEDGER=" + path});
  const auto contents = [&] {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  EXPECT_EQ(server.call(1, "ledger", {{"token", "a b"}})["result"]["content"], text_content("a b"));
  EXPECT_EQ(contents(), "a b\n");
  EXPECT_TRUE(server.call(2, "ledger", {{"token", "c"}}).contains("result"));
  EXPECT_EQ(contents(), "a b\nc\n");
  std::remove(path.c_str());
}

TEST(DemoServerToolsTest, LedgerWithoutAFileIsAToolError) {
  DemoServer server;
  EXPECT_EQ(server.call(1, "ledger", {{"token", "a"}})["result"]["isError"], true);
  DemoServer other({"MCPWIRE_LEDGER=/nonexistent/folder/file"});
  EXPECT_EQ(other.call(1, "ledger", {{"token", "a"}})["result"]["isError"], true);
}

TEST(DemoServerToolsTest, CrashAnswersWhatCameBeforeAndNotItself) {
  DemoServer server;
  server.write(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"
               "\n"
               R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"crash"}})"
               "\n"
               R"({"jsonrpc":"2.0","id":3,"method":"ping"})"
               "\n");
  EXPECT_EQ(server.receive()["id"], 1);
  EXPECT_EQ(server.read_line(), "");
  EXPECT_EQ(server.wait(), 1);
}

TEST(DemoServerToolsTest, NoiseComesBeforeTheAnswer) {
  DemoServer server;
  server.send({{"jsonrpc", "2.0"},
               {"id", 1},
               {"method", "tools/call"},
               {"params", {{"name", "noise"}, {"arguments", {{"lines", 3}}}}}});
  for (int line = 1; line <= 3; ++line) {
    EXPECT_FALSE(json::accept(server.read_line()));
  }
  EXPECT_EQ(server.receive()["id"], 1);
  server.close_input();
  EXPECT_EQ(server.read_error(), "demo: noise line 1\ndemo: noise line 2\ndemo: noise line 3\n");
}

}  // namespace
}  // namespace mcpwire::demo::test
