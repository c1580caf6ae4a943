// SPDX-License-Identifier: MIT
#include "tests/interop/interop_fixture.hpp"

#include "protocol/base/process_fd.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mcpwire::test {

using client::Connection;
using protocol::Outcome;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string text_of(const CallReply& reply) {
  std::string text;
  for (const json& block : json::parse(reply.body.view()).at("content")) {
    if (block.at("type") == "text") text += block.at("text").get<std::string>();
  }
  return text;
}

bool is_tool_error(const CallReply& reply) {
  return json::parse(reply.body.view()).value("isError", false);
}

void expect_refusal(const CallReply& reply) {
  if (reply.outcome == Outcome::kOk) {
    EXPECT_TRUE(is_tool_error(reply)) << reply.body.view();
  } else {
    EXPECT_EQ(reply.outcome, Outcome::kPeerError) << reply.error.message();
  }
}

void InteropFixture::SetUp() {
  const std::string modules = environment("MCPWIRE_INTEROP_MODULES");
  const bool is_installed = !modules.empty() && std::filesystem::exists(node()) &&
                            std::filesystem::exists(modules + "/@modelcontextprotocol");
  if (!is_installed) {
    if (environment("MCPWIRE_REQUIRE_INTEROP") == "1") FAIL() << "no servers in " << modules;
    GTEST_SKIP() << "the npm servers are not installed in '" << modules << "'";
  }
  std::string scratch = (std::filesystem::temp_directory_path() / "mcpwire-interop.XXXXXX");
  ASSERT_NE(::mkdtemp(scratch.data()), nullptr);
  scratch_ = scratch;
  // Each daemon finds out for itself of what era its servers are.
  ASSERT_EQ(::setenv("XDG_CACHE_HOME", (scratch_ + "/cache").c_str(), 1), 0);
}

void InteropFixture::TearDown() {
  if (scratch_.empty()) return;
  stop_daemon();
  std::filesystem::remove_all(scratch_);
}

void InteropFixture::stop_daemon() {
  if (!connection_.has_value()) return;
  const UniqueFd daemon = open_process(connection_->agreement().daemon_pid);
  EXPECT_TRUE(connection_->shutdown(interop_deadline()).has_value());
  EXPECT_TRUE(wait_for_process_end(daemon, kInteropPatienceNs)) << "the daemon did not end";
  connection_.reset();
}

std::string InteropFixture::package_file(const std::string& path) {
  return environment("MCPWIRE_INTEROP_MODULES") + "/@modelcontextprotocol/" + path;
}

std::string InteropFixture::own_server(const std::string& name) {
  return std::string(MCPWIRE_INTEROP_DIR) + "/servers/" + name;
}

void InteropFixture::configure(const json& servers) {
  const std::string file = scratch_ + "/servers.json";
  std::ofstream(file) << json{{"mcpServers", servers}}.dump(2);
  std::filesystem::permissions(file, std::filesystem::perms(0600));
}

Connection& InteropFixture::connection() {
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

CallReply InteropFixture::call(std::string_view server, std::string_view tool,
                               const json& arguments) {
  const std::string text = arguments.dump();
  client::CallRequest request;
  request.server = server;
  request.tool = tool;
  request.arguments_json = text;
  request.deadline_ns = interop_deadline();
  return connection().call_tool(request);
}

void InteropFixture::expect_own_answers(std::string_view server, std::string_view tool, int count) {
  std::vector<std::pair<std::uint64_t, int>> calls;
  for (int a = 0; a < count; ++a) {
    const std::string arguments = json{{"a", a}, {"b", 1000}}.dump();
    client::CallRequest request;
    request.server = server;
    request.tool = tool;
    request.arguments_json = arguments;
    request.deadline_ns = interop_deadline();
    const auto correlation = connection().start_call(request);
    ASSERT_TRUE(correlation.has_value()) << correlation.error().message();
    calls.emplace_back(*correlation, a);
  }
  for (const auto& [correlation, a] : calls) {
    const auto reply = connection().wait(correlation, interop_deadline());
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->outcome, Outcome::kOk) << reply->error.message();
    EXPECT_NE(text_of(*reply).find(std::to_string(a + 1000)), std::string::npos)
        << reply->body.view();
  }
}

std::set<std::string> InteropFixture::listed_tools() {
  std::set<std::string> names;
  const auto listing = connection().list_tools({}, 0, interop_deadline());
  if (!listing.has_value()) {
    ADD_FAILURE() << listing.error().message();
    return names;
  }
  for (const client::ToolsFailure& failure : listing->failures) {
    ADD_FAILURE() << failure.server << ": " << failure.error.message();
  }
  for (const client::ToolsSuccess& server : listing->successes) {
    for (const json& tool : json::parse(server.tools_json)) {
      names.insert(server.server + "/" + tool.at("name").get<std::string>());
    }
  }
  return names;
}

std::int32_t InteropFixture::server_process(const std::string& name) {
  const auto servers = connection().list_servers(interop_deadline());
  if (!servers.has_value()) return 0;
  for (const client::ServerSummary& server : *servers) {
    if (server.name == name) return server.process_id;
  }
  return 0;
}

void InteropFixture::kill_server(const std::string& name) {
  const std::int32_t process = server_process(name);
  ASSERT_GT(process, 0) << name;
  ASSERT_EQ(::kill(process, SIGKILL), 0);
}

}  // namespace mcpwire::test
