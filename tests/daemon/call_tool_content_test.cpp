// SPDX-License-Identifier: MIT
//
// tools/call by what it holds: names that no server may see, results that are none, and arguments
// of a size that is read aside.
#include "daemon/request_payload.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"

#include <gmock/gmock.h>

#include <string>

namespace mcpwire::daemon {
namespace {

using protocol::CallState;
using protocol::Method;
using protocol::Outcome;
using test_support::call_payload;
using ::testing::HasSubstr;

class CallToolContentTest : public DaemonTest {
 protected:
  CallToolContentTest() { configure({"files"}); }

  std::uint64_t call(TestClient& client, const test_support::CallArguments& arguments) {
    const std::uint64_t correlation = client.request(Method::kCallTool, call_payload(arguments));
    settle();
    return correlation;
  }
  static std::string large(const std::string& before, const std::string& behind) {
    return before + std::string(RequestPayload::kSmallBytesMax, 'x') + behind;
  }
};

TEST_F(CallToolContentTest, ANameThatIsNoUtf8ReachesNoServer) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client, {.tool = "rea\xff"});
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kRejected);
  EXPECT_FALSE(client.answer(id)->failure().may_have_been_sent);
  EXPECT_EQ(client.answer(id)->failure().error.kind, ErrorKind::kInvalid);
  EXPECT_THAT(client.answer(id)->failure().error.message(), HasSubstr(R"("rea\xff")"));
  EXPECT_EQ(factory.count(), 0U);
}

TEST_F(CallToolContentTest, AResultThatIsNoObjectIsNamed) {
  TestClient& client = connect_configured();
  const std::uint64_t id = call(client, {});
  factory.transport(0).answer_ok(0, "[1]");
  settle();
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kUnknown);
  EXPECT_THAT(client.answer(id)->failure().error.message(), HasSubstr("is an array"));
}

TEST_F(CallToolContentTest, LargeArgumentsArriveOnOneLine) {
  TestClient& client = connect_configured();
  const std::string arguments = large("{\n\"a\":\"", "\"\r\n}");
  const std::uint64_t id = call(client, {.arguments = arguments});
  ASSERT_EQ(factory.count(), 1U);
  ASSERT_EQ(factory.transport(0).waiting(), 1U);
  EXPECT_EQ(factory.transport(0).waiting_params(0),
            R"({"name":"read","arguments":)" + large("{ \"a\":\"", "\"  }") + "}");
  factory.transport(0).answer_ok(0, "{}");
  settle();
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kOk);
}

TEST_F(CallToolContentTest, LargeArgumentsThatAreNoJsonAreRefused) {
  TestClient& client = connect_configured();
  for (const std::string& arguments : {large("{\"a\":\"", "\"}}"), large("[\"", "\"]")}) {
    const std::uint64_t id = call(client, {.arguments = arguments});
    ASSERT_TRUE(client.answer(id).has_value());
    EXPECT_EQ(client.answer(id)->outcome, Outcome::kRejected);
    EXPECT_EQ(client.answer(id)->failure().error.kind, ErrorKind::kInvalid);
  }
  EXPECT_EQ(factory.count(), 0U);
}

TEST_F(CallToolContentTest, ACancelWhileTheyAreReadSendsNothing) {
  TestClient& client = connect_configured();
  const std::string arguments = large("{\"a\":\"", "\"}");
  const std::uint64_t id =
      client.request(Method::kCallTool, call_payload({.arguments = arguments}));
  client.cancel(id);
  settle();
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kCancelled);
  EXPECT_FALSE(client.answer(id)->failure().may_have_been_sent);
  EXPECT_EQ(factory.count(), 0U);
}

}  // namespace
}  // namespace mcpwire::daemon
