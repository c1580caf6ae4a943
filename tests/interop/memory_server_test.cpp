// SPDX-License-Identifier: MIT
//
// server-memory over stdio: a server that keeps what it is told in a file of the test's own. Shows
// that the environment of a configuration reaches the server, and that its state outlives its
// process.
#include "tests/interop/interop_fixture.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <vector>

namespace mcpwire::test {
namespace {

using protocol::Outcome;

class InteropMemoryTest : public InteropFixture {
 protected:
  void SetUp() override {
    InteropFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    json server = node_server({package_file("server-memory/dist/index.js")});
    server["env"] = {{"MEMORY_FILE_PATH", memory_file()}};
    configure({{"memory", server}});
  }

  std::string memory_file() const { return scratch() + "/memory.jsonl"; }

  CallReply remember(const std::string& name) {
    return call(
        "memory", "create_entities",
        {{"entities", {{{"name", name}, {"entityType", "test"}, {"observations", {"was here"}}}}}});
  }

  std::set<std::string> remembered() {
    const CallReply reply = call("memory", "read_graph");
    std::set<std::string> names;
    if (reply.outcome != Outcome::kOk) {
      ADD_FAILURE() << reply.error.message();
      return names;
    }
    const json result = json::parse(reply.body.view());
    for (const json& entity : result.at("structuredContent").at("entities")) {
      names.insert(entity.at("name").get<std::string>());
    }
    return names;
  }
};

TEST_F(InteropMemoryTest, ListsItsTools) {
  const std::set<std::string> names = listed_tools();
  EXPECT_TRUE(names.contains("memory/create_entities"));
  EXPECT_TRUE(names.contains("memory/read_graph"));
}

TEST_F(InteropMemoryTest, WhatOneCallCreatesAnotherReads) {
  const CallReply created = remember("a");
  ASSERT_EQ(created.outcome, Outcome::kOk) << created.error.message();
  EXPECT_FALSE(is_tool_error(created)) << created.body.view();
  EXPECT_EQ(remembered(), std::set<std::string>{"a"});
  EXPECT_TRUE(std::filesystem::exists(memory_file()));
}

TEST_F(InteropMemoryTest, AToolThatFailsAnswersIsError) {
  const CallReply reply =
      call("memory", "add_observations",
           {{"observations", {{{"entityName", "nobody"}, {"contents", {"x"}}}}}});
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_TRUE(is_tool_error(reply)) << reply.body.view();
}

TEST_F(InteropMemoryTest, ArgumentsThatBreakTheSchemaAreTheServersToRefuse) {
  expect_refusal(call("memory", "create_entities", {{"entities", "none"}}));
}

TEST_F(InteropMemoryTest, AnUnknownToolIsTheServersToRefuse) {
  expect_refusal(call("memory", "no-such-tool"));
}

TEST_F(InteropMemoryTest, ConcurrentCallsGetTheirOwnAnswers) {
  constexpr int kCount = 20;
  json entities = json::array();
  for (int index = 0; index < kCount; ++index) {
    entities.push_back({{"name", "entity " + std::to_string(index)},
                        {"entityType", "test"},
                        {"observations", json::array()}});
  }
  ASSERT_EQ(call("memory", "create_entities", {{"entities", entities}}).outcome, Outcome::kOk);
  std::vector<std::uint64_t> calls;
  for (int index = 0; index < kCount; ++index) {
    const std::string arguments = json{{"names", {"entity " + std::to_string(index)}}}.dump();
    client::CallRequest request;
    request.server = "memory";
    request.tool = "open_nodes";
    request.arguments_json = arguments;
    request.deadline_ns = interop_deadline();
    const auto correlation = connection().start_call(request);
    ASSERT_TRUE(correlation.has_value()) << correlation.error().message();
    calls.push_back(*correlation);
  }
  for (int index = 0; index < kCount; ++index) {
    const auto reply = connection().wait(calls[static_cast<std::size_t>(index)]);
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->outcome, Outcome::kOk) << reply->error.message();
    const json opened = json::parse(reply->body.view()).at("structuredContent").at("entities");
    ASSERT_EQ(opened.size(), 1U);
    EXPECT_EQ(opened.at(0).at("name"), "entity " + std::to_string(index));
  }
}

TEST_F(InteropMemoryTest, ItsStateIsThereAfterItsProcessWasKilled) {
  ASSERT_EQ(remember("survivor").outcome, Outcome::kOk);
  const std::int32_t first = server_process("memory");
  ASSERT_NO_FATAL_FAILURE(kill_server("memory"));
  // The first request after it may still meet the dying process.
  if (call("memory", "read_graph").outcome != Outcome::kOk) listed_tools();
  EXPECT_EQ(remembered(), std::set<std::string>{"survivor"});
  EXPECT_NE(server_process("memory"), first);
}

}  // namespace
}  // namespace mcpwire::test
