// SPDX-License-Identifier: MIT
//
// mcpwire against version 2 of the TypeScript SDK: servers of the modern era, of the legacy era,
// and of both, over stdio and over HTTP (there the legacy era is without sessions). Which era a
// conversation is in, the server tells: its tool `seen`.
#include "protocol/mcp/revision.hpp"
#include "tests/interop/interop_fixture.hpp"
#include "tests/interop/node_server.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

namespace mcpwire::test {
namespace {

using protocol::Outcome;
using protocol::mcp::Era;

enum class Carrier : std::uint8_t { kStdio, kHttp };

struct Flavour {
  std::string name;
  Carrier carrier;
  std::string eras_served;
  std::string era_pinned;  ///< In the configuration; empty: found out.
  Era era;
};

void PrintTo(const Flavour& flavour, std::ostream* out) { *out << flavour.name; }

class InteropTypescriptV2Test : public InteropFixture, public testing::WithParamInterface<Flavour> {
 protected:
  void SetUp() override {
    InteropFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    json server = GetParam().carrier == Carrier::kStdio
                      ? node_server({own_server("typescript_v2_stdio.mjs"), GetParam().eras_served})
                      : start_http_server();
    if (!GetParam().era_pinned.empty()) server["era"] = GetParam().era_pinned;
    configure({{"v2", server}});
  }

  json start_http_server() {
    const std::string port = std::to_string(free_port());
    http_server_ = std::make_unique<NodeServer>(
        NodeCommand{{node(), own_server("typescript_v2_http.mjs"), port, GetParam().eras_served},
                    {},
                    "listening " + port});
    http_server_->start();
    return {{"url", "http://127.0.0.1:" + port + "/mcp"}};
  }

  json seen() {
    const CallReply reply = call("v2", "seen");
    if (reply.outcome != Outcome::kOk) {
      ADD_FAILURE() << reply.error.message() << reply.body.view();
      return json::object();
    }
    return json::parse(text_of(reply));
  }

  std::unique_ptr<NodeServer> http_server_;
};

TEST_P(InteropTypescriptV2Test, ListsItsTools) {
  EXPECT_EQ(listed_tools(), (std::set<std::string>{"v2/add", "v2/refuse", "v2/seen", "v2/throw"}));
}

TEST_P(InteropTypescriptV2Test, ACallIsAnsweredInTheEraOfTheServer) {
  const CallReply sum = call("v2", "add", {{"a", 2}, {"b", 40}});
  ASSERT_EQ(sum.outcome, Outcome::kOk) << sum.error.message();
  EXPECT_EQ(text_of(sum), "42");
  const json what = seen();
  if (GetParam().era == Era::kModern) {
    EXPECT_EQ(what.at("era"), "modern");
    EXPECT_EQ(what.at("version"), facts_of(protocol::mcp::kNewestRevision).name);
  } else {
    EXPECT_EQ(what.at("era"), "legacy");
    EXPECT_TRUE(what.at("version").is_null()) << what;
  }
}

TEST_P(InteropTypescriptV2Test, AToolThatFailsAnswersIsError) {
  for (const char* tool : {"refuse", "throw"}) {
    const CallReply reply = call("v2", tool);
    ASSERT_EQ(reply.outcome, Outcome::kOk) << tool << reply.error.message();
    EXPECT_TRUE(is_tool_error(reply)) << reply.body.view();
  }
}

TEST_P(InteropTypescriptV2Test, AnUnknownToolIsAnErrorOfTheServer) {
  const CallReply reply = call("v2", "no-such-tool");
  ASSERT_EQ(reply.outcome, Outcome::kPeerError) << reply.error.message() << reply.body.view();
  EXPECT_EQ(json::parse(reply.body.view()).at("code"), -32602);
}

TEST_P(InteropTypescriptV2Test, ConcurrentCallsGetTheirOwnAnswers) {
  expect_own_answers("v2", "add", 50);
}

TEST_P(InteropTypescriptV2Test, AServerKilledBetweenCallsIsServedAgainInTheSameEra) {
  const json before = seen();
  if (http_server_ != nullptr) {
    http_server_->stop();
    const CallReply meanwhile = call("v2", "add", {{"a", 1}, {"b", 1}});
    EXPECT_EQ(meanwhile.outcome, Outcome::kNotSent) << meanwhile.error.message();
    http_server_->start();
  } else {
    ASSERT_NO_FATAL_FAILURE(kill_server("v2"));
    // The first call after it may still have gone into the dying pipe: then it is unknown.
    const CallReply next = call("v2", "add", {{"a", 1}, {"b", 1}});
    EXPECT_TRUE(next.outcome == Outcome::kOk ||
                (next.outcome == Outcome::kUnknown && next.may_have_been_sent))
        << next.error.message();
  }
  const json after = seen();
  EXPECT_NE(after.at("process"), before.at("process"));
  EXPECT_EQ(after.at("era"), before.at("era"));
}

const Flavour kFlavours[] = {
    {"StdioOfBothEras", Carrier::kStdio, "both", "", Era::kModern},
    {"StdioModern", Carrier::kStdio, "modern", "", Era::kModern},
    {"StdioLegacy", Carrier::kStdio, "legacy", "", Era::kLegacy},
    {"StdioPinnedToLegacy", Carrier::kStdio, "both", "legacy", Era::kLegacy},
    {"HttpOfBothEras", Carrier::kHttp, "both", "", Era::kModern},
    {"HttpModern", Carrier::kHttp, "modern", "", Era::kModern},
    {"HttpLegacy", Carrier::kHttp, "legacy", "", Era::kLegacy},
    {"HttpPinnedToLegacy", Carrier::kHttp, "both", "legacy", Era::kLegacy},
};
INSTANTIATE_TEST_SUITE_P(Servers, InteropTypescriptV2Test, testing::ValuesIn(kFlavours),
                         [](const auto& flavour) { return flavour.param.name; });

}  // namespace
}  // namespace mcpwire::test
