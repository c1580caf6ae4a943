// SPDX-License-Identifier: MIT
//
// mcpwire against the reference servers of the protocol's authors over stdio, on the pinned node.
// The whole way: client library, rings, a daemon of our own, pipes.
#include "tests/interop/interop_fixture.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mcpwire::test {
namespace {

using protocol::Outcome;

class InteropReferenceTest : public InteropFixture {
 protected:
  void SetUp() override {
    InteropFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::filesystem::create_directory(scratch() + "/files");
    std::ofstream(scratch() + "/files/hello.txt") << "hello from a file\n";
    configure(
        {{"everything", node_server({package_file("server-everything/dist/index.js"), "stdio"})},
         {"files",
          node_server({package_file("server-filesystem/dist/index.js"), scratch() + "/files"})}});
  }
};

TEST_F(InteropReferenceTest, ListsTheToolsOfBothServers) {
  const std::set<std::string> names = listed_tools();
  EXPECT_TRUE(names.contains("everything/echo"));
  EXPECT_TRUE(names.contains("everything/get-sum"));
  EXPECT_TRUE(names.contains("files/read_text_file"));
}

TEST_F(InteropReferenceTest, CallsToolsOfBothServers) {
  const CallReply echo = call("everything", "echo", {{"message", "over shared memory"}});
  ASSERT_EQ(echo.outcome, Outcome::kOk) << echo.error.message();
  EXPECT_EQ(text_of(echo), "Echo: over shared memory");
  const CallReply file =
      call("files", "read_text_file", {{"path", scratch() + "/files/hello.txt"}});
  ASSERT_EQ(file.outcome, Outcome::kOk) << file.error.message();
  EXPECT_EQ(text_of(file), "hello from a file\n");
}

TEST_F(InteropReferenceTest, ArgumentsWithNewlinesReachTheServerAsOneLine) {
  client::CallRequest request;
  request.server = "everything";
  request.tool = "echo";
  request.arguments_json = "{\n  \"message\":\r\n  \"two\\nlines\"\n}\n";
  request.deadline_ns = interop_deadline();
  const CallReply reply = connection().call_tool(request);
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(text_of(reply), "Echo: two\nlines");
}

TEST_F(InteropReferenceTest, StructuredContentAndImagesPassThroughUntouched) {
  const CallReply weather =
      call("everything", "get-structured-content", {{"location", "New York"}});
  ASSERT_EQ(weather.outcome, Outcome::kOk) << weather.error.message();
  EXPECT_TRUE(json::parse(weather.body.view()).at("structuredContent").contains("temperature"));
  const CallReply image = call("everything", "get-tiny-image");
  ASSERT_EQ(image.outcome, Outcome::kOk) << image.error.message();
  EXPECT_NE(image.body.view().find("\"image/png\""), std::string::npos);
}

TEST_F(InteropReferenceTest, AToolThatFailsAnswersIsError) {
  const CallReply reply = call("files", "read_text_file", {{"path", "/etc/passwd"}});
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_TRUE(is_tool_error(reply));
}

TEST_F(InteropReferenceTest, AnUnknownToolIsTheServersToRefuse) {
  expect_refusal(call("everything", "no-such-tool"));
}

TEST_F(InteropReferenceTest, FiftyConcurrentCallsGetTheirOwnAnswers) {
  expect_own_answers("everything", "get-sum", 50);
}

TEST_F(InteropReferenceTest, AServerKilledBetweenCallsIsStartedAgain) {
  ASSERT_EQ(call("everything", "echo", {{"message", "one"}}).outcome, Outcome::kOk);
  const std::int32_t first = server_process("everything");
  ASSERT_NO_FATAL_FAILURE(kill_server("everything"));
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
}  // namespace mcpwire::test
