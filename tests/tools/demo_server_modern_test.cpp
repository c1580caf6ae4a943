// SPDX-License-Identifier: MIT
//
// mcpwire-demo-server in the modern revision, and both eras on one pipe.
#include "tests/tools/demo_server_process.hpp"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

namespace mcpwire::demo::test {
namespace {

constexpr const char* kVersionKey = "io.modelcontextprotocol/protocolVersion";
constexpr const char* kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";
constexpr const char* kServerInfoKey = "io.modelcontextprotocol/serverInfo";

json modern(json params = json::object()) {
  params["_meta"][kVersionKey] = "2026-07-28";
  params["_meta"][kCapabilitiesKey] = json::object();
  return params;
}

TEST(DemoServerModernTest, DiscoverTellsVersionsCapabilitiesAndCaching) {
  DemoServer server;
  const json result = server.ask(1, "server/discover", modern())["result"];
  EXPECT_EQ(result["resultType"], "complete");
  EXPECT_EQ(result["supportedVersions"], json::array({"2026-07-28"}));
  EXPECT_TRUE(result["capabilities"].contains("tools"));
  EXPECT_GE(result["ttlMs"], 0);
  EXPECT_EQ(result["cacheScope"], "public");
  EXPECT_EQ(result["_meta"][kServerInfoKey]["name"], "mcpwire-demo-server");
}

TEST(DemoServerModernTest, ResultsCarryTheirTypeAndListsTheirCaching) {
  DemoServer server;
  const json list = server.ask(1, "tools/list", modern())["result"];
  EXPECT_EQ(list["resultType"], "complete");
  EXPECT_TRUE(list["ttlMs"].is_number_unsigned());
  EXPECT_EQ(list["cacheScope"], "public");
  EXPECT_TRUE(list["tools"][1].contains("outputSchema"));

  json params = modern({{"name", "add"}, {"arguments", {{"a", 1}, {"b", 1}}}});
  const json sum = server.ask(2, "tools/call", params)["result"];
  EXPECT_EQ(sum["resultType"], "complete");
  EXPECT_EQ(sum["structuredContent"]["sum"], 2);
  EXPECT_FALSE(sum.contains("ttlMs"));
}

TEST(DemoServerModernTest, MissingMetaIsInvalidParams) {
  DemoServer server;
  for (const char* missing : {kVersionKey, kCapabilitiesKey}) {
    json params = modern();
    params["_meta"].erase(missing);
    for (const char* method : {"tools/list", "server/discover", "unknown/method"}) {
      EXPECT_EQ(server.ask(1, method, params)["error"]["code"], -32602) << missing << ' ' << method;
    }
  }
  EXPECT_EQ(server.ask(1, "server/discover")["error"]["code"], -32602);
  EXPECT_EQ(server.ask(1, "tools/list", {{"_meta", 5}})["error"]["code"], -32602);
}

TEST(DemoServerModernTest, AnUnsupportedVersionIsNamedAlongWithTheSupportedOnes) {
  DemoServer server;
  json params = modern();
  for (const char* version : {"2099-01-01", "2025-11-25", ""}) {
    params["_meta"][kVersionKey] = version;
    const json error = server.ask(1, "unknown/method", params)["error"];
    EXPECT_EQ(error["code"], -32022);
    EXPECT_EQ(error["data"]["supported"], json::array({"2026-07-28"}));
    EXPECT_EQ(error["data"]["requested"], version);
  }
}

TEST(DemoServerModernTest, LegacyMethodsDoNotExistWithAModernClaim) {
  DemoServer server;
  for (const char* method : {"initialize", "ping", "logging/setLevel", "resources/subscribe",
                             "resources/unsubscribe", "tasks/result", "unknown/method"}) {
    EXPECT_EQ(server.ask("x", method, modern())["error"]["code"], -32601) << method;
  }
}

TEST(DemoServerModernTest, BadArgumentsAreToolErrorsAndUnknownToolsAreNot) {
  DemoServer server;
  EXPECT_EQ(server.ask(1, "tools/call", modern({{"name", "echo"}}))["result"]["isError"], true);
  EXPECT_EQ(server.ask(2, "tools/call", modern({{"name", "nope"}}))["error"]["code"], -32602);
}

TEST(DemoServerModernTest, BothErasShareOnePipe) {
  DemoServer server;
  EXPECT_TRUE(server.ask(1, "server/discover", modern()).contains("result"));
  server.initialize("2025-06-18");
  EXPECT_TRUE(server.ask(2, "ping").contains("result"));
  EXPECT_FALSE(server.ask(3, "tools/list")["result"].contains("resultType"));
  EXPECT_TRUE(server.ask(4, "tools/list", modern())["result"].contains("resultType"));
  EXPECT_FALSE(server.call(5, "echo", {{"message", "x"}})["result"].contains("resultType"));
}

TEST(DemoServerModernTest, ProgressWorksInTheModernRevision) {
  DemoServer server;
  json params = modern({{"name", "progress"}, {"arguments", {{"steps", 1}, {"ms", 0}}}});
  params["_meta"]["progressToken"] = 5;
  EXPECT_EQ(server.ask(1, "tools/call", params)["params"]["progressToken"], 5);
  EXPECT_EQ(server.receive()["result"]["resultType"], "complete");
}

}  // namespace
}  // namespace mcpwire::demo::test
