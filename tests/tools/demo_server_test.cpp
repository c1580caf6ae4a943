// SPDX-License-Identifier: MIT
//
// mcpwire-demo-server in the legacy revisions, and its tools.
#include "tests/tools/demo_server_process.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::demo::test {
namespace {

using ::testing::ElementsAre;

json text_content(std::string_view text) {
  return json::array({{{"type", "text"}, {"text", text}}});
}

class DemoServerRevisionTest : public ::testing::TestWithParam<const char*> {};

TEST_P(DemoServerRevisionTest, AnswersInitializeInTheRequestedRevision) {
  DemoServer server;
  server.initialize(GetParam());
  const json answer = server.ask(2, "ping");
  EXPECT_EQ(answer["id"], 2);
  EXPECT_EQ(answer["result"], json::object());
}

TEST_P(DemoServerRevisionTest, ListsOnlyWhatTheRevisionKnows) {
  const std::string_view revision = GetParam();
  DemoServer server;
  server.initialize(revision);
  const json answer = server.ask(2, "tools/list");
  ASSERT_EQ(answer["result"]["tools"].size(), 9u);
  EXPECT_FALSE(answer["result"].contains("nextCursor"));
  EXPECT_FALSE(answer["result"].contains("resultType"));
  for (const json& tool : answer["result"]["tools"]) {
    EXPECT_EQ(tool["inputSchema"]["type"], "object");
    EXPECT_FALSE(tool["description"].get<std::string>().empty());
    EXPECT_EQ(tool.contains("annotations"), revision >= "2025-03-26");
    EXPECT_EQ(tool.contains("title"), revision >= "2025-06-18");
    const bool has_output = tool["name"] == "add" && revision >= "2025-06-18";
    EXPECT_EQ(tool.contains("outputSchema"), has_output);
  }
}

TEST_P(DemoServerRevisionTest, AddsWithStructureWhereTheRevisionHasIt) {
  const std::string_view revision = GetParam();
  DemoServer server;
  server.initialize(revision);
  const json result = server.call(2, "add", {{"a", 1}, {"b", 2.5}})["result"];
  EXPECT_EQ(result["content"], text_content("3.5"));
  ASSERT_EQ(result.contains("structuredContent"), revision >= "2025-06-18");
  if (revision >= "2025-06-18") {
    EXPECT_EQ(result["structuredContent"], json({{"sum", 3.5}}));
  }
}

TEST_P(DemoServerRevisionTest, BadArgumentsAreWhatTheRevisionSays) {
  const std::string_view revision = GetParam();
  DemoServer server;
  server.initialize(revision);
  for (const json& answer :
       {server.call(2, "echo"), server.call(2, "echo", {{"message", 1}}),
        server.call(2, "add", {{"a", 1}}), server.call(2, "sleep", {{"ms", -1}}),
        server.call(2, "sleep", {{"ms", 0.5}}), server.call(2, "blob", {{"bytes", "1"}}),
        server.call(2, "progress", {{"steps", 0}, {"ms", 0}}),
        server.call(2, "ledger", {{"token", "two\nlines"}}), server.call(2, "noise")}) {
    if (revision >= "2025-11-25") {
      EXPECT_EQ(answer["result"]["isError"], true) << answer;
    } else {
      EXPECT_EQ(answer["error"]["code"], -32602) << answer;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Legacy, DemoServerRevisionTest,
                         ::testing::Values("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"));

TEST(DemoServerTest, OffersItsNewestLegacyRevisionForAnUnknownOne) {
  for (const char* revision : {"1999-01-01", "2026-07-28", ""}) {
    DemoServer server;
    const json answer = server.ask(1, "initialize", {{"protocolVersion", revision}});
    EXPECT_EQ(answer["result"]["protocolVersion"], "2025-11-25");
    EXPECT_EQ(answer["result"]["serverInfo"]["name"], "mcpwire-demo-server");
  }
}

TEST(DemoServerTest, EchoesTheMessageByteForByte) {
  DemoServer server;
  for (const std::string& message :
       {std::string(), std::string("plain"), std::string("q\"\\\n\t\x01"),
        std::string("\xc3\xa9\xf0\x9f\x98\x80"), std::string(3'000'000, 'x')}) {
    EXPECT_EQ(server.call("e", "echo", {{"message", message}})["result"]["content"],
              text_content(message));
  }
}

TEST(DemoServerTest, KeepsTheTypeAndTextOfTheId) {
  DemoServer server;
  for (const char* id : {"1", "\"1\"", "-5", "12345678901234567890123", "\"a\\u00e9\""}) {
    server.write(R"({"jsonrpc":"2.0","id":)" + std::string(id) + ",\"method\":\"ping\"}\n");
    EXPECT_EQ(server.read_line(),
              R"({"jsonrpc":"2.0","id":)" + std::string(id) + ",\"result\":{}}");
  }
}

TEST(DemoServerTest, AnswersManyLinesOfOneWriteAndOneLineOfManyWrites) {
  DemoServer server;
  std::string lines;
  for (int id = 0; id < 100; ++id) {
    lines += R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + ",\"method\":\"ping\"}\r\n\n";
  }
  server.write(lines);
  for (int id = 0; id < 100; ++id) EXPECT_EQ(server.receive()["id"], id);
  for (const char letter :
       std::string_view("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\n")) {
    server.write({&letter, 1});
  }
  EXPECT_EQ(server.receive()["id"], 7);
}

TEST(DemoServerTest, UnknownToolsAndMethodsAreErrors) {
  DemoServer server;
  EXPECT_EQ(server.call(1, "nope")["error"]["code"], -32602);
  EXPECT_EQ(server.ask(2, "tools/call")["error"]["code"], -32602);
  EXPECT_EQ(server.ask(3, "tools/call", {{"name", "echo"}, {"arguments", 5}})["error"]["code"],
            -32602);
  EXPECT_EQ(server.ask(4, "resources/list")["error"]["code"], -32601);
  EXPECT_EQ(server.ask(5, "initialize")["error"]["code"], -32602);
}

TEST(DemoServerTest, FailsOnRequest) {
  DemoServer server;
  const json result = server.call(1, "fail", {{"message", "no \"luck\""}})["result"];
  EXPECT_EQ(result["isError"], true);
  EXPECT_EQ(result["content"], text_content("no \"luck\""));
  EXPECT_EQ(server.call(2, "fail")["result"]["isError"], true);
}

TEST(DemoServerTest, BlobHasTheSizeThatWasAskedFor) {
  DemoServer server;
  for (const std::size_t bytes : {0u, 1u, 65'536u, 5'000'000u}) {
    const json answer = server.call(1, "blob", {{"bytes", bytes}});
    EXPECT_EQ(answer["result"]["content"][0]["text"].get<std::string>().size(), bytes);
  }
}

TEST(DemoServerTest, PagesHoldAsManyToolsAsTheVariableSays) {
  DemoServer server({"MCPWIRE_DEMO_PAGE_SIZE=4"});
  std::vector<std::string> names;
  std::vector<std::size_t> sizes;
  json params = json::object();
  for (;;) {
    const json result = server.ask(1, "tools/list", params)["result"];
    sizes.push_back(result["tools"].size());
    for (const json& tool : result["tools"]) names.push_back(tool["name"]);
    if (!result.contains("nextCursor")) break;
    params["cursor"] = result["nextCursor"];
  }
  EXPECT_THAT(sizes, ElementsAre(4u, 4u, 1u));
  EXPECT_THAT(names, ElementsAre("echo", "add", "sleep", "fail", "blob", "progress", "ledger",
                                 "crash", "noise"));
  EXPECT_EQ(server.ask(2, "tools/list", {{"cursor", "bogus"}})["error"]["code"], -32602);
}

TEST(DemoServerTest, ASleepHoldsUpNobody) {
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
TEST(DemoServerTest, ACancelledCallIsNotAnswered) {
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
  start(1, "sleep", {{"ms", 200}});
  start("1", "sleep", {{"ms", 201}});
  start(3, "progress", {{"steps", 3}, {"ms", 200}});
  cancel(1);
  cancel(3);
  cancel(99);
  start(4, "sleep", {{"ms", 900}});
  EXPECT_EQ(server.receive()["id"], "1");
  EXPECT_EQ(server.receive()["id"], 4);
}

TEST(DemoServerTest, ProgressIsReportedUnderItsTokenOnly) {
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

TEST(DemoServerTest, LedgerIsWrittenBeforeTheAnswer) {
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

TEST(DemoServerTest, LedgerWithoutAFileIsAToolError) {
  DemoServer server;
  EXPECT_EQ(server.call(1, "ledger", {{"token", "a"}})["result"]["isError"], true);
  DemoServer other({"MCPWIRE_LEDGER=/nonexistent/folder/file"});
  EXPECT_EQ(other.call(1, "ledger", {{"token", "a"}})["result"]["isError"], true);
}

TEST(DemoServerTest, CrashAnswersWhatCameBeforeAndNotItself) {
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

TEST(DemoServerTest, NoiseComesBeforeTheAnswer) {
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

TEST(DemoServerTest, EndsWithItsInputWhateverWaits) {
  DemoServer server;
  server.send({{"jsonrpc", "2.0"},
               {"id", 1},
               {"method", "tools/call"},
               {"params", {{"name", "sleep"}, {"arguments", {{"ms", 3'600'000}}}}}});
  EXPECT_TRUE(server.ask(2, "ping").contains("result"));
  server.close_input();
  EXPECT_EQ(server.read_line(), "");
  EXPECT_EQ(server.wait(), 0);
}

TEST(DemoServerTest, SurvivesJunk) {
  DemoServer server;
  for (const char* line :
       {"junk", "{", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"", "\"\xff\"", "[1,"}) {
    server.write(std::string(line) + "\n");
    const json answer = server.receive();
    const int code = std::string_view(line).starts_with('[') ? -32600 : -32700;
    EXPECT_EQ(answer["error"]["code"], code) << line;
    EXPECT_TRUE(answer["id"].is_null());
  }
  for (const char* line :
       {"1", "{}", "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", "[]"}) {
    server.write(std::string(line) + "\n");
    EXPECT_EQ(server.receive()["error"]["code"], -32600) << line;
  }
  server.write("\n\r\n \n");
  server.send({{"jsonrpc", "2.0"}, {"id", 1}, {"result", json::object()}});
  server.send({{"jsonrpc", "2.0"}, {"method", "notifications/unknown"}});
  EXPECT_EQ(server.ask(9, "ping")["id"], 9);
}

TEST(DemoServerTest, TakesBatchesWhereTheRevisionHasThem) {
  const std::string batch =
      R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},7,)"
      R"({"jsonrpc":"2.0","id":2,"method":"ping"}])"
      "\n";
  DemoServer server;
  server.initialize("2025-03-26");
  server.write(batch);
  EXPECT_EQ(server.receive()["id"], 1);
  EXPECT_EQ(server.receive()["error"]["code"], -32600);
  EXPECT_EQ(server.receive()["id"], 2);
  server.initialize("2025-06-18");
  server.write(batch);
  EXPECT_EQ(server.receive()["error"]["code"], -32600);
  EXPECT_EQ(server.ask(3, "ping")["id"], 3);
}

TEST(DemoServerTest, ServesPipesThatDoNotBlock) {
  DemoServer server({}, Pipes::kNonBlocking);
  EXPECT_EQ(server.ask(1, "ping")["id"], 1);
  const json answer = server.call(2, "blob", {{"bytes", 3'000'000}});
  EXPECT_EQ(answer["result"]["content"][0]["text"].get<std::string>().size(), 3'000'000u);
  EXPECT_EQ(server.call(3, "sleep", {{"ms", 2}})["id"], 3);
  EXPECT_EQ(server.ask(4, "ping")["id"], 4);
}

}  // namespace
}  // namespace mcpwire::demo::test
