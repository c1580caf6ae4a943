// SPDX-License-Identifier: MIT
//
// The methods of MCP beside tools/call against server-everything, over stdio, Streamable HTTP
// and HTTP+SSE: resources, prompts, completion, progress, and what a server asks its caller.
#include "protocol/mcp/client_abilities.hpp"
#include "tests/interop/interop_fixture.hpp"
#include "tests/interop/node_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace mcpwire::test {
namespace {

using client::ServerAnswer;
using client::ServerQuestion;
using protocol::Outcome;
using protocol::Pages;
using protocol::ServerAnswerKind;
using protocol::mcp::ClientAbilities;

struct Carrier {
  std::string name;
  std::string argument;  ///< Of server-everything.
  std::string path;      ///< Of its URL; empty: stdio.
  std::string ready;
};

void PrintTo(const Carrier& carrier, std::ostream* out) { *out << carrier.name; }

class InteropMethodsTest : public InteropFixture, public testing::WithParamInterface<Carrier> {
 protected:
  void SetUp() override {
    InteropFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const std::string program = package_file("server-everything/dist/index.js");
    const Carrier& carrier = GetParam();
    if (carrier.path.empty()) {
      configure({{"everything", node_server({program, carrier.argument})}});
      return;
    }
    const std::string port = std::to_string(free_port());
    http_server_ = std::make_unique<NodeServer>(
        NodeCommand{{node(), program, carrier.argument}, {"PORT=" + port}, carrier.ready + port});
    http_server_->start();
    configure({{"everything", {{"url", "http://127.0.0.1:" + port + carrier.path}}}});
  }

  /// The result; an empty object and a failed test where there is none.
  json request(std::string_view method, const json& params = json::object(),
               Pages pages = Pages::kOne) {
    const std::string text = params.dump();
    client::McpRequest request;
    request.server = "everything";
    request.method = method;
    request.params_json = text;
    request.deadline_ns = interop_deadline();
    request.pages = pages;
    const CallReply reply = connection().request(request);
    if (reply.outcome != Outcome::kOk) {
      ADD_FAILURE() << method << ": " << reply.error.message() << reply.body.view();
      return json::object();
    }
    return json::parse(reply.body.view());
  }

  /// Questions are answered with `answer` from here on, and kept.
  void answer_questions(ServerAnswer answer) {
    connection().on_server_request(
        ClientAbilities::all(),
        [this, answer](const ServerQuestion& question) -> std::optional<ServerAnswer> {
          asked_.emplace_back(question.method);
          return answer;
        });
  }

  std::vector<std::string> asked_;
  std::unique_ptr<NodeServer> http_server_;
};

TEST_P(InteropMethodsTest, ListsAndReadsResources) {
  const json resources = request("resources/list", json::object(), Pages::kAll).at("resources");
  ASSERT_FALSE(resources.empty());
  const json read = request("resources/read", {{"uri", resources.at(0).at("uri")}});
  EXPECT_FALSE(read.at("contents").at(0).at("text").get<std::string>().empty());
  const json templates = request("resources/templates/list", json::object(), Pages::kAll);
  EXPECT_EQ(templates.at("resourceTemplates").size(), 2U);
}

TEST_P(InteropMethodsTest, AResourceThatIsNotThereIsAnErrorOfTheServer) {
  client::McpRequest asking;
  asking.server = "everything";
  asking.method = "resources/read";
  asking.params_json = R"({"uri":"demo://nowhere"})";
  asking.deadline_ns = interop_deadline();
  EXPECT_EQ(connection().request(asking).outcome, Outcome::kPeerError);
}

TEST_P(InteropMethodsTest, ListsAndGetsPrompts) {
  EXPECT_GE(request("prompts/list", json::object(), Pages::kAll).at("prompts").size(), 4U);
  const json prompt =
      request("prompts/get", {{"name", "args-prompt"}, {"arguments", {{"city", "Ghent"}}}});
  EXPECT_NE(prompt.dump().find("Ghent"), std::string::npos);
}

TEST_P(InteropMethodsTest, CompletesAnArgument) {
  const json completed = request("completion/complete",
                                 {{"ref", {{"type", "ref/prompt"}, {"name", "completable-prompt"}}},
                                  {"argument", {{"name", "department"}, {"value", "E"}}}});
  EXPECT_EQ(completed.at("completion").at("values"), json::array({"Engineering"}));
}

TEST_P(InteropMethodsTest, ProgressReachesTheCaller) {
  std::vector<int> steps;
  connection().on_progress([&](std::uint64_t, std::string_view params) {
    steps.push_back(json::parse(params).at("progress").get<int>());
  });
  const CallReply reply =
      call("everything", "trigger-long-running-operation", {{"duration", 0.1}, {"steps", 3}});
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(steps, (std::vector<int>{1, 2, 3}));
}

TEST_P(InteropMethodsTest, AnElicitationIsAnsweredByTheCaller) {
  answer_questions(
      {ServerAnswerKind::kAnswered, R"({"action":"accept","content":{"name":"Ada of the test"}})"});
  const CallReply reply = call("everything", "trigger-elicitation-request");
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(asked_, std::vector<std::string>{"elicitation/create"});
  EXPECT_NE(text_of(reply).find("Ada of the test"), std::string::npos) << text_of(reply);
}

TEST_P(InteropMethodsTest, ASamplingIsAnsweredByTheCaller) {
  answer_questions(
      {ServerAnswerKind::kAnswered,
       R"({"role":"assistant","model":"none","content":{"type":"text","text":"said the test"}})"});
  const CallReply reply = call("everything", "trigger-sampling-request", {{"prompt", "say"}});
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(asked_, std::vector<std::string>{"sampling/createMessage"});
  EXPECT_NE(text_of(reply).find("said the test"), std::string::npos) << text_of(reply);
}

TEST_P(InteropMethodsTest, AQuestionThatNobodyAnswersIsRefused) {
  // This client declares that it can answer nothing.
  const CallReply elicited = call("everything", "trigger-elicitation-request");
  ASSERT_EQ(elicited.outcome, Outcome::kOk) << elicited.error.message();
  EXPECT_NE(text_of(elicited).find("declined"), std::string::npos) << text_of(elicited);
  expect_refusal(call("everything", "trigger-sampling-request", {{"prompt", "say"}}));
}

INSTANTIATE_TEST_SUITE_P(Carriers, InteropMethodsTest,
                         testing::Values(Carrier{"Stdio", "stdio", "", ""},
                                         Carrier{"StreamableHttp", "streamableHttp", "/mcp",
                                                 "listening on port "},
                                         Carrier{"Sse", "sse", "/sse", "running on port "}),
                         [](const auto& carrier) { return carrier.param.name; });

}  // namespace
}  // namespace mcpwire::test
