// SPDX-License-Identifier: MIT
//
// mcpwire-demo-server in the legacy revisions, and what it makes of its input.
#include "tests/tools/demo_server_process.hpp"

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mcpwire::demo::test {
namespace {

using ::testing::ElementsAre;

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
  ASSERT_EQ(answer["result"]["tools"].size(), 16u);
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

TEST(DemoServerTest, KeepsTheBeginningOfALineThatFollowsAWholeOne) {
  DemoServer server;
  server.write("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",");
  EXPECT_EQ(server.receive()["id"], 1);
  server.write("\"id\":2,\"method\":\"ping\"}\n");
  EXPECT_EQ(server.receive()["id"], 2);
}

TEST(DemoServerTest, InputThatNeverPausesDoesNotHoldUpWhatIsDue) {
  constexpr int kPings = 10'000;  // Several times what one read takes.
  std::string lines = R"({"jsonrpc":"2.0","id":"due","method":"tools/call",)"
                      R"("params":{"name":"sleep","arguments":{"ms":0}}})"
                      "\n";
  for (int id = 0; id < kPings; ++id) {
    lines += R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + ",\"method\":\"ping\"}\n";
  }
  DemoServer server;
  std::thread writer([&] { server.write(lines); });
  bool is_answered = false;
  for (json id; id != kPings - 1;) {
    id = server.receive()["id"];
    is_answered = is_answered || id == "due";
  }
  writer.join();
  EXPECT_TRUE(is_answered);
}

TEST(DemoServerTest, UnknownToolsAndMethodsAreErrors) {
  DemoServer server;
  EXPECT_EQ(server.call(1, "nope")["error"]["code"], -32602);
  EXPECT_EQ(server.ask(2, "tools/call")["error"]["code"], -32602);
  EXPECT_EQ(server.ask(3, "tools/call", {{"name", "echo"}, {"arguments", 5}})["error"]["code"],
            -32602);
  EXPECT_EQ(server.ask(4, "no/such")["error"]["code"], -32601);
  EXPECT_EQ(server.ask(5, "initialize")["error"]["code"], -32602);
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
  EXPECT_THAT(sizes, ElementsAre(4u, 4u, 4u, 4u));
  EXPECT_THAT(names,
              ElementsAre("echo", "add", "sleep", "fail", "blob", "progress", "ledger", "crash",
                          "noise", "ask", "sample", "roots", "task", "touch", "log", "grow"));
  EXPECT_EQ(server.ask(2, "tools/list", {{"cursor", "bogus"}})["error"]["code"], -32602);
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
