// SPDX-License-Identifier: MIT
//
// InteropFixture: a daemon of the test's own, whose configuration names servers of other people.
// Where they are not installed the test is skipped with the reason; with MCPWIRE_REQUIRE_INTEROP=1
// that is a failure. Afterwards the daemon has ended.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "protocol/base/seams/clock.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mcpwire::test {

using client::CallReply;
using nlohmann::json;

/// Long enough for node on a loaded machine; a hung test ends, a slow one does not fail.
inline constexpr std::uint64_t kInteropPatienceNs = 60 * kNanosecondsPerSecond;

inline std::uint64_t interop_deadline() { return monotonic_now_ns() + kInteropPatienceNs; }

/// Of the environment; empty where it is not set.
std::string environment(const char* name);
/// Text of all text blocks of a result.
std::string text_of(const CallReply& reply);
bool is_tool_error(const CallReply& reply);
/// The server refused the call: as an error of JSON-RPC or, as some SDKs do, of the tool.
void expect_refusal(const CallReply& reply);

class InteropFixture : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// The pinned node program.
  static std::string node() { return environment("MCPWIRE_INTEROP_NODE"); }
  /// A file of an npm package of the protocol's authors.
  static std::string package_file(const std::string& path);
  /// One of servers/.
  static std::string own_server(const std::string& name);
  /// The configuration of a server that is `node` with these arguments.
  static json node_server(json arguments) { return {{"command", node()}, {"args", arguments}}; }

  /// Ends the daemon, if one runs, and waits for its end.
  void stop_daemon();
  /// Must come before the first use of the connection: what `mcpServers` holds.
  void configure(const json& servers);
  client::Connection& connection();

  CallReply call(std::string_view server, std::string_view tool,
                 const json& arguments = json::object());
  /// The same call with {"a": n, "b": 1000} for n below `count`, all in flight at once: each must
  /// be answered with its own sum.
  void expect_own_answers(std::string_view server, std::string_view tool, int count);
  /// `server/tool` of all that could be listed; a server that could not fails the test.
  std::set<std::string> listed_tools();
  /// 0 where none runs.
  std::int32_t server_process(const std::string& name);
  void kill_server(const std::string& name);

  const std::string& scratch() const { return scratch_; }

 private:
  std::string scratch_;
  std::optional<client::Connection> connection_;
};

}  // namespace mcpwire::test
