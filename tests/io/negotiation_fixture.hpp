// SPDX-License-Identifier: MIT
//
// What the tests of negotiation share: a transport that probes, on fake processes and a virtual
// clock.
#pragma once

#include "tests/io/stdio_transport_fixture.hpp"
#include "tests/support/fake_era_verdicts.hpp"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::io {

inline constexpr std::string_view kDiscoverLine =
    R"({"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{)"
    R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientInfo":{"name":"mcpwire","version":"0.1.0"},)"
    R"("io.modelcontextprotocol/clientCapabilities":{}}}})"
    "\n";

inline constexpr std::string_view kModernResult =
    R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},)"
    R"("instructions":"be kind","ttlMs":0,"cacheScope":"public",)"
    R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"new","version":"9"}}})";

class NegotiationTest : public StdioTransportTest {
 protected:
  NegotiationTest() { probes = true; }

  void start(NegotiationOptions options = {}, std::uint64_t deadline_ns = kNever) {
    options.verdicts = &verdicts;
    options.identity = "server";
    StdioTransportOptions all;
    all.negotiation = std::move(options);
    create(std::move(all));
    start_open(deadline_ns);
  }
  void answer_error(int id, int code, std::string_view more = R"("message":"no")") {
    feed(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"error":{"code":)" +
         std::to_string(code) + "," + std::string(more) + "}}");
  }
  void answer_initialize_as(int id, std::string_view revision = "2025-11-25") {
    answer(id, R"({"protocolVersion":")" + std::string(revision) +
                   R"(","capabilities":{},"serverInfo":{"name":"old","version":"1"}})");
  }
  void expect_open(protocol::mcp::Revision revision, std::size_t processes = 1) {
    ASSERT_TRUE(opened.has_value());
    ASSERT_TRUE(opened->has_value()) << opened->error().message();
    EXPECT_TRUE(transport->is_open());
    EXPECT_EQ(transport->server_info().revision, revision);
    EXPECT_EQ(transport->server_info().protocol_version, protocol::mcp::facts_of(revision).name);
    EXPECT_EQ(spawner.spawned(), processes);
  }
  void expect_failure(std::string_view text) {
    ASSERT_TRUE(opened.has_value());
    ASSERT_FALSE(opened->has_value());
    EXPECT_THAT(opened->error().message(), testing::HasSubstr(std::string(text)));
    for (std::size_t i = 0; i < spawner.spawned(); ++i) {
      EXPECT_TRUE(spawner.child(i).has_exited());
    }
  }
  std::optional<protocol::mcp::Era> remembered() {
    const std::optional<EraVerdict> verdict = verdicts.find("server");
    if (!verdict.has_value()) return std::nullopt;
    return verdict->era;
  }

  test_support::FakeEraVerdicts verdicts;
};

}  // namespace mcpwire::io
