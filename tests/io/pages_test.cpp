// SPDX-License-Identifier: MIT
//
// Lists in pages; the limits as tools/list sees them: tests/daemon/tool_catalogue_test.cpp.
#include "io/mcp/pages.hpp"

#include "tests/parallel/background_task.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_mcp_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using test_support::BackgroundTask;
using ::testing::ElementsAre;

class FetchPagesTest : public testing::Test {
 protected:
  FetchPagesTest() {
    transport.handler = [this](std::string_view method, std::string_view params) {
      asked.push_back(std::string(method) + " " + std::string(params));
      RpcReply reply{Outcome::kOk, std::move(pages.front()), {}, true};
      pages.pop_front();
      return reply;
    };
    BackgroundTask<Result<void>> opened(loop, transport.open(scope, kNever));
  }
  RpcReply fetch(const char* method, std::string params = {}, PageLimits limits = {}) {
    BackgroundTask<RpcReply> fetched(
        loop,
        fetch_pages(transport, *protocol::mcp::find_method(method), params, {&scope}, limits));
    loop.run_until_idle();
    return std::move(fetched.value());
  }

  test_support::FakeEventLoop loop;
  CancelScope scope;
  test_support::FakeMcpTransport transport{loop};
  std::deque<std::string> pages;
  std::vector<std::string> asked;
};

TEST_F(FetchPagesTest, JoinsTheListOfItsMethod) {
  pages = {R"({"resourceTemplates":[1, 2],"nextCursor":"x"})", R"({"resourceTemplates":[ 3]})"};
  EXPECT_EQ(fetch("resources/templates/list").body, "[1, 2, 3]");
  EXPECT_THAT(asked, ElementsAre("resources/templates/list ",
                                 R"(resources/templates/list {"cursor":"x"})"));
}

TEST_F(FetchPagesTest, AnEmptyCursorIsACursor) {
  pages = {R"({"prompts":[1],"nextCursor":""})", R"({"prompts":[2]})"};
  EXPECT_EQ(fetch("prompts/list").body, "[1,2]");
  EXPECT_THAT(asked, ElementsAre("prompts/list ", R"(prompts/list {"cursor":""})"));
}

TEST_F(FetchPagesTest, OtherParametersGoWithEachPageAndTheCallersCursorIsTheFirst) {
  pages = {R"({"resources":[1],"nextCursor":"2"})", R"({"resources":[2]})"};
  EXPECT_EQ(fetch("resources/list", R"({"a":1,"c\u0075rsor":"1","b":{}})").body, "[1,2]");
  EXPECT_THAT(asked, ElementsAre(R"(resources/list {"a":1,"c\u0075rsor":"1","b":{}})",
                                 R"(resources/list {"cursor":"2","a":1,"b":{}})"));
}

TEST_F(FetchPagesTest, ACursorThatComesAgainLaterIsALoopToo) {
  pages = {R"({"tools":[],"nextCursor":"a"})", R"({"tools":[],"nextCursor":"b"})",
           R"({"tools":[],"nextCursor":"a"})"};
  const RpcReply reply = fetch("tools/list");
  EXPECT_EQ(reply.outcome, Outcome::kUnknown);
  EXPECT_EQ(reply.error.code, ErrorCode::kProtocolViolation);
  EXPECT_EQ(asked.size(), 3U);
}

TEST_F(FetchPagesTest, PagesAndBytesHaveLimits) {
  pages = {R"({"tools":[1],"nextCursor":"a"})", R"({"tools":[1],"nextCursor":"b"})"};
  EXPECT_EQ(fetch("tools/list", {}, {.pages = 2}).error.code, ErrorCode::kTooLarge);
  pages = {R"({"tools":["12345678"]})"};
  EXPECT_EQ(fetch("tools/list", {}, {.bytes = 10}).error.code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace mcpwire::io
