// SPDX-License-Identifier: MIT
#include "daemon/tool_catalogue.hpp"

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

namespace mcpwire::daemon {
namespace {

using protocol::Outcome;
using test_support::BackgroundTask;
using test_support::FakeEventLoop;
using test_support::FakeMcpTransport;
using ::testing::ElementsAre;

class FetchToolsTest : public testing::Test {
 protected:
  FetchToolsTest() {
    transport.handler = [this](std::string_view, std::string_view params) {
      asked.emplace_back(params);
      io::RpcReply reply{Outcome::kOk, repeated, {}, true};
      if (!pages.empty()) {
        reply = std::move(pages.front());
        pages.pop_front();
      }
      return reply;
    };
    BackgroundTask<Result<void>> opened(loop, transport.open(scope, kNever));
    EXPECT_TRUE(opened.has_ended());
  }

  void page(std::string result) { pages.push_back({Outcome::kOk, std::move(result), {}, true}); }

  Result<std::string> fetch() {
    BackgroundTask<Result<std::string>> fetched(loop, fetch_tools(transport, {&scope}));
    loop.run_until_idle();
    return std::move(fetched.value());
  }

  FakeEventLoop loop;
  io::CancelScope scope;
  FakeMcpTransport transport{loop};
  std::deque<io::RpcReply> pages;
  std::string repeated = R"({"tools":[]})";  ///< What comes when there are no pages left.
  std::vector<std::string> asked;
};

TEST_F(FetchToolsTest, AResultThatIsNoObjectIsNamed) {
  page("[1]");
  EXPECT_EQ(fetch().error().message(),
            "the server's result is an array, and a result must be an object");
}

TEST_F(FetchToolsTest, OnePageIsTheWholeList) {
  page(R"({"tools":[{"name":"a"},{"name":"b"}]})");
  EXPECT_EQ(fetch(), R"([{"name":"a"},{"name":"b"}])");
  EXPECT_THAT(asked, ElementsAre(""));
}

TEST_F(FetchToolsTest, PagesAreJoinedAndTheCursorsHandedBackUntouched) {
  page(R"({"tools":[1],"nextCursor":"c\u0031\""})");
  page(R"({"tools":[],"nextCursor":"c2"})");
  page(R"({"nextCursor":null,"tools":[2,3]})");
  EXPECT_EQ(fetch(), "[1,2,3]");
  EXPECT_THAT(asked, ElementsAre("", R"({"cursor":"c\u0031\""})", R"({"cursor":"c2"})"));
}

TEST_F(FetchToolsTest, EmptyPagesLeaveNoCommas) {
  page(R"({"tools":[ ],"nextCursor":"1"})");
  page("{\"tools\":[\n],\"nextCursor\":\"2\"}");
  page(R"({"tools":[1],"nextCursor":"3"})");
  page(R"({"tools":[]})");
  EXPECT_EQ(fetch(), "[1]");
}

TEST_F(FetchToolsTest, NoToolsAreAnEmptyList) { EXPECT_EQ(fetch(), "[]"); }

TEST_F(FetchToolsTest, AnAnswerWithoutAListIsAViolation) {
  for (const char* result : {"{}", R"({"tools":{}})", R"({"tools":null})", "[]", "1"}) {
    page(result);
    const Result<std::string> fetched = fetch();
    ASSERT_FALSE(fetched.has_value()) << result;
    EXPECT_EQ(fetched.error().kind, ErrorKind::kInvalid) << result;
  }
}

TEST_F(FetchToolsTest, ACursorThatComesAgainIsCutOff) {
  repeated = R"({"tools":[1],"nextCursor":"same"})";
  EXPECT_EQ(fetch().error().code, ErrorCode::kProtocolViolation);
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(FetchToolsTest, PagesWithoutEndAreCutOff) {
  for (std::size_t number = 0; number < io::PageLimits{}.pages + 10; ++number) {
    page(R"({"tools":[1],"nextCursor":")" + std::to_string(number) + R"("})");
  }
  EXPECT_EQ(fetch().error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(asked.size(), io::PageLimits{}.pages);
}

TEST_F(FetchToolsTest, AListWithoutEndIsCutOff) {
  const std::string large(io::PageLimits{}.bytes / 3, 'x');
  for (int number = 0; number < 5; ++number) {
    page(R"({"tools":[")" + large + R"("],"nextCursor":")" + std::to_string(number) + R"("})");
  }
  EXPECT_EQ(fetch().error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(asked.size(), 3U);
}

TEST_F(FetchToolsTest, AFailureOnALaterPageIsTheFailureOfAll) {
  page(R"({"tools":[1],"nextCursor":"2"})");
  pages.push_back(
      {Outcome::kUnknown, {}, Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited), true});
  EXPECT_EQ(fetch().error().code, ErrorCode::kServerExited);
}

TEST_F(FetchToolsTest, TheServersOwnErrorTextIsShown) {
  pages.push_back({Outcome::kPeerError, R"({"code":-32603,"message":"b\u0072oken"})", {}, true});
  const Result<std::string> fetched = fetch();
  ASSERT_FALSE(fetched.has_value());
  EXPECT_EQ(fetched.error().code, ErrorCode::kPeerError);
  EXPECT_EQ(fetched.error().message(), "broken");
}

TEST_F(FetchToolsTest, AnErrorWithoutATextIsStillAnError) {
  pages.push_back({Outcome::kPeerError, R"({"code":1,"message":7})", {}, true});
  const Result<std::string> fetched = fetch();
  ASSERT_FALSE(fetched.has_value());
  EXPECT_EQ(fetched.error().message(), "the server answered with an error");
}

}  // namespace
}  // namespace mcpwire::daemon
