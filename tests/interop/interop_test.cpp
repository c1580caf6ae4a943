// SPDX-License-Identifier: MIT
// link: mcpwire::client nlohmann_json::nlohmann_json
//
// mcpwire against MCP servers that other people wrote: the reference servers of the protocol's
// authors, on the pinned node. The whole way: client library, rings, a daemon of our own, pipes.
#include "client/connection.hpp"
#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace mcpwire {
namespace {

using client::CallReply;
using client::Connection;
using nlohmann::json;
using protocol::Outcome;

// Long enough for node on a loaded machine; a hung test ends, a slow one does not fail.
constexpr std::uint64_t kPatienceNs = 60 * kNanosecondsPerSecond;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Text of all text blocks of a result.
std::string text_of(const CallReply& reply) {
  std::string text;
  for (const json& block : json::parse(reply.body).at("content")) {
    if (block.at("type") == "text") text += block.at("text").get<std::string>();
  }
  return text;
}

bool is_tool_error(const CallReply& reply) {
  return json::parse(reply.body).value("isError", false);
}

class InteropTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string modules = environment("MCPWIRE_INTEROP_MODULES");
    const std::string node = environment("MCPWIRE_INTEROP_NODE");
    const bool is_installed = !modules.empty() && std::filesystem::exists(node) &&
                              std::filesystem::exists(modules + "/@modelcontextprotocol");
    if (!is_installed) {
      if (environment("MCPWIRE_REQUIRE_INTEROP") == "1") FAIL() << "no servers in " << modules;
      GTEST_SKIP() << "the npm servers are not installed in '" << modules << "'";
    }
    std::string scratch = (std::filesystem::temp_directory_path() / "mcpwire-interop.XXXXXX");
    ASSERT_NE(::mkdtemp(scratch.data()), nullptr);
    scratch_ = scratch;
    std::filesystem::create_directory(scratch_ + "/files");
    std::ofstream(scratch_ + "/files/hello.txt") << "hello from a file\n";
    const std::string base = modules + "/@modelcontextprotocol/";
    const json configuration = {
        {"mcpServers",
         {{"everything",
           {{"command", node}, {"args", {base + "server-everything/dist/index.js", "stdio"}}}},
          {"files",
           {{"command", node},
            {"args", {base + "server-filesystem/dist/index.js", scratch_ + "/files"}}}}}}};
    std::ofstream(scratch_ + "/servers.json") << configuration.dump(2);
    std::filesystem::permissions(scratch_ + "/servers.json", std::filesystem::perms(0600));
  }

  void TearDown() override {
    if (scratch_.empty()) return;
    if (connection_.has_value()) {
      const UniqueFd daemon = open_process(connection_->agreement().daemon_pid);
      EXPECT_TRUE(connection_->shutdown(deadline()).has_value());
      EXPECT_TRUE(wait_for_process_end(daemon, kPatienceNs)) << "the daemon did not end";
    }
    std::filesystem::remove_all(scratch_);
  }

  static std::uint64_t deadline() { return monotonic_now_ns() + kPatienceNs; }

  Connection& connection() {
    if (!connection_.has_value()) {
      client::ConnectOptions options;
      options.runtime_directory = scratch_ + "/run";
      options.config =
          client::ConfigReference{scratch_ + "/servers.json", protocol::ConfigOrigin::kExplicit};
      options.client_name = "interop_test";
      options.daemon_program = std::string(MCPWIRE_BIN_DIR) + "/mcpwired";
      Result<Connection> made = Connection::connect(options);
      if (!made.has_value()) throw std::runtime_error(made.error().message());
      connection_.emplace(*std::move(made));
    }
    return *connection_;
  }

  CallReply call(std::string_view server, std::string_view tool, const json& arguments) {
    const std::string text = arguments.dump();
    client::CallRequest request{server, tool, text};
    request.deadline_ns = deadline();
    return connection().call_tool(request);
  }

  std::int32_t server_process(const std::string& name) {
    for (const client::ServerSummary& server : connection().list_servers().value()) {
      if (server.name == name) return server.process_id;
    }
    return 0;
  }

  std::string scratch_;
  std::optional<Connection> connection_;
};

TEST_F(InteropTest, ListsTheToolsOfBothServers) {
  const auto listing = connection().list_tools({}, 0, deadline());
  ASSERT_TRUE(listing.has_value()) << listing.error().message();
  EXPECT_TRUE(listing->failures.empty());
  ASSERT_EQ(listing->successes.size(), 2U);
  std::set<std::string> names;
  for (const client::ToolsSuccess& server : listing->successes) {
    for (const json& tool : json::parse(server.tools_json)) {
      names.insert(server.server + "/" + tool.at("name").get<std::string>());
    }
  }
  EXPECT_TRUE(names.contains("everything/echo"));
  EXPECT_TRUE(names.contains("everything/get-sum"));
  EXPECT_TRUE(names.contains("files/read_text_file"));
}

TEST_F(InteropTest, CallsToolsOfBothServers) {
  const CallReply echo = call("everything", "echo", {{"message", "over shared memory"}});
  ASSERT_EQ(echo.outcome, Outcome::kOk) << echo.error.message();
  EXPECT_EQ(text_of(echo), "Echo: over shared memory");
  const CallReply file = call("files", "read_text_file", {{"path", scratch_ + "/files/hello.txt"}});
  ASSERT_EQ(file.outcome, Outcome::kOk) << file.error.message();
  EXPECT_EQ(text_of(file), "hello from a file\n");
}

TEST_F(InteropTest, ArgumentsWithNewlinesReachTheServerAsOneLine) {
  client::CallRequest request{"everything", "echo", "{\n  \"message\":\r\n  \"two\\nlines\"\n}\n"};
  request.deadline_ns = deadline();
  const CallReply reply = connection().call_tool(request);
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(text_of(reply), "Echo: two\nlines");
}

TEST_F(InteropTest, StructuredContentAndImagesPassThroughUntouched) {
  const CallReply weather =
      call("everything", "get-structured-content", {{"location", "New York"}});
  ASSERT_EQ(weather.outcome, Outcome::kOk) << weather.error.message();
  EXPECT_TRUE(json::parse(weather.body).at("structuredContent").contains("temperature"));
  const CallReply image = call("everything", "get-tiny-image", json::object());
  ASSERT_EQ(image.outcome, Outcome::kOk) << image.error.message();
  EXPECT_NE(image.body.view().find("\"image/png\""), std::string::npos);
}

TEST_F(InteropTest, AToolThatFailsAnswersIsError) {
  const CallReply reply = call("files", "read_text_file", {{"path", "/etc/passwd"}});
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_TRUE(is_tool_error(reply));
}

TEST_F(InteropTest, AnUnknownToolIsTheServersToRefuse) {
  const CallReply reply = call("everything", "no-such-tool", json::object());
  // This SDK answers it as a tool's error, others as a JSON-RPC error.
  if (reply.outcome == Outcome::kOk) {
    EXPECT_TRUE(is_tool_error(reply));
  } else {
    EXPECT_EQ(reply.outcome, Outcome::kPeerError) << reply.error.message();
  }
}

TEST_F(InteropTest, FiftyConcurrentCallsGetTheirOwnAnswers) {
  std::vector<std::pair<std::uint64_t, int>> calls;
  for (int a = 0; a < 50; ++a) {
    const std::string arguments = json{{"a", a}, {"b", 1000}}.dump();
    client::CallRequest request{"everything", "get-sum", arguments};
    request.deadline_ns = deadline();
    const auto correlation = connection().start_call(request);
    ASSERT_TRUE(correlation.has_value()) << correlation.error().message();
    calls.emplace_back(*correlation, a);
  }
  for (const auto& [correlation, a] : calls) {
    const auto reply = connection().wait(correlation, deadline());
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->outcome, Outcome::kOk) << reply->error.message();
    EXPECT_NE(text_of(*reply).find(std::to_string(a + 1000)), std::string::npos)
        << reply->body.view();
  }
}

TEST_F(InteropTest, AServerKilledBetweenCallsIsStartedAgain) {
  ASSERT_EQ(call("everything", "echo", {{"message", "one"}}).outcome, Outcome::kOk);
  const std::int32_t first = server_process("everything");
  ASSERT_GT(first, 0);
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  const CallReply reply = call("everything", "echo", {{"message", "two"}});
  // Killed before the call was written: tried again. Written into the dying pipe: unknown, never
  // a second time.
  if (reply.outcome == Outcome::kUnknown) {
    EXPECT_TRUE(reply.may_have_been_sent);
  } else {
    EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  }
  EXPECT_EQ(text_of(call("everything", "echo", {{"message", "three"}})), "Echo: three");
  EXPECT_NE(server_process("everything"), first);
}

}  // namespace
}  // namespace mcpwire
