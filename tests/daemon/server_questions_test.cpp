// SPDX-License-Identifier: MIT
//
// What a server asks the client that called it, and what comes back, from honest clients and
// others.
#include "daemon/server_questions.hpp"

#include "tests/daemon/support/daemon_fixture.hpp"
#include "tests/daemon/support/message_payloads.hpp"

#include <gmock/gmock.h>

namespace mcpwire::daemon {
namespace {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using protocol::ServerAnswerKind;
using protocol::mcp::ClientAbilities;
using protocol::mcp::ClientAbility;
using test_support::answer_payload;
using test_support::FakeMcpTransport;
using test_support::message_payload;
using test_support::told;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ServerQuestionsTest : public DaemonTest {
 protected:
  static constexpr std::uint64_t kFeatures = protocol::feature::kMessages;

  ServerQuestionsTest() { configure({"files"}); }

  TestClient& call(std::uint64_t features = kFeatures,
                   ClientAbilities abilities = ClientAbility::kElicitationForm) {
    TestClient& client = connect_configured(features);
    protocol::PayloadBuilder<protocol::CallToolRequest> request;
    request.fixed.abilities = abilities.bits();
    request.fixed.server = request.add("files");
    request.fixed.tool = request.add("ask");
    id = client.request(Method::kCallTool, request.take());
    settle();
    return client;
  }
  void answer(TestClient& client, std::uint64_t key, ServerAnswerKind kind,
              std::string_view result) {
    client.deliver(FrameKind::kEvent, Method::kServerAnswer, 0,
                   answer_payload(id, key, kind, result));
    settle();
  }
  void end() {
    server().answer_ok(0, "{}");
    settle();
  }
  FakeMcpTransport& server() { return factory.transport(0); }

  std::uint64_t id = 0;
};

TEST_F(ServerQuestionsTest, TheClientIsAskedAndItsAnswerGoesBack) {
  TestClient& client = call();
  EXPECT_TRUE(server().waiting_abilities(0).has(ClientAbility::kElicitationForm));
  ASSERT_TRUE(server().ask(0, "elicitation/create", R"({"message":"who?"})"));
  EXPECT_THAT(told(client, Method::kServerRequest),
              ElementsAre(R"(1 elicitation/create {"message":"who?"})"));
  answer(client, 1, ServerAnswerKind::kAnswered, R"({"action":"accept"})");
  EXPECT_THAT(server().answers, ElementsAre(R"(result {"action":"accept"})"));
  end();
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kOk);
}

TEST_F(ServerQuestionsTest, TheClientMayRefuseOrFail) {
  TestClient& client = call();
  server().ask(0, "elicitation/create", "{}");
  server().ask(0, "elicitation/create", "{}");
  answer(client, 2, ServerAnswerKind::kRefused, "");
  answer(client, 1, ServerAnswerKind::kFailed, R"({"code":1,"message":"x"})");
  EXPECT_THAT(server().answers, ElementsAre("refused", R"(error {"code":1,"message":"x"})"));
  end();
}

TEST_F(ServerQuestionsTest, WhatTheClientDidNotDeclareIsRefusedUnasked) {
  TestClient& client = call();
  for (const char* method : {"sampling/createMessage", "roots/list", "tools/call"}) {
    server().ask(0, method, "{}");
  }
  server().ask(0, "elicitation/create", R"({"mode":"url","url":"http://x"})");
  EXPECT_THAT(told(client, Method::kServerRequest), IsEmpty());
  EXPECT_THAT(server().answers, ElementsAre("refused", "refused", "refused", "refused"));
  end();
}

TEST_F(ServerQuestionsTest, AClientWithoutAbilitiesOrTheFeatureTakesNoQuestions) {
  call(kFeatures, {});
  EXPECT_FALSE(server().ask(0, "elicitation/create", "{}"));
  end();
  call(0);
  EXPECT_FALSE(server().ask(0, "elicitation/create", "{}"));
  end();
}

TEST_F(ServerQuestionsTest, AnswersToNothingAreIgnored) {
  TestClient& client = call();
  server().ask(0, "elicitation/create", "{}");
  answer(client, 7, ServerAnswerKind::kAnswered, "{}");
  answer(client, 0, ServerAnswerKind::kAnswered, "{}");
  EXPECT_THAT(server().answers, IsEmpty());
  answer(client, 1, ServerAnswerKind::kAnswered, "{}");
  answer(client, 1, ServerAnswerKind::kAnswered, R"({"second":1})");
  EXPECT_THAT(server().answers, ElementsAre("result {}"));
  end();
  answer(client, 1, ServerAnswerKind::kAnswered, "{}");
  EXPECT_EQ(counters.violations, 0U);
}

TEST_F(ServerQuestionsTest, WhatIsNoObjectIsARefusal) {
  TestClient& client = call();
  std::uint64_t key = 0;
  for (const char* result : {"", "[]", "{", "{}{}", "{}\n,\"id\":1", "\xff", "null"}) {
    server().ask(0, "elicitation/create", "{}");
    answer(client, ++key, ServerAnswerKind::kAnswered, result);
    EXPECT_EQ(server().answers.back(), "refused") << result;
  }
  EXPECT_EQ(server().answers.size(), key);
  end();
}

TEST_F(ServerQuestionsTest, AMalformedAnswerIsAViolation) {
  const std::string whole = answer_payload(1, 1, ServerAnswerKind::kAnswered, "{}");
  std::string unknown_kind = whole;
  unknown_kind[4] = 9;
  for (const std::string& payload : {whole.substr(0, 31), whole.substr(0, 33), unknown_kind}) {
    TestClient& client = connect_configured(kFeatures);
    client.deliver(FrameKind::kEvent, Method::kServerAnswer, 0, payload);
    settle();
    EXPECT_TRUE(client.has_ended());
  }
  EXPECT_EQ(counters.violations, 3U);
}

TEST_F(ServerQuestionsTest, TheEndOfTheCallRefusesWhatIsOpen) {
  call();
  server().ask(0, "elicitation/create", "{}");
  end();
  EXPECT_THAT(server().answers, ElementsAre("refused"));
}

TEST_F(ServerQuestionsTest, AClientThatGoesRefuses) {
  TestClient& client = call();
  server().ask(0, "elicitation/create", "{}");
  client.disconnect();
  settle();
  EXPECT_THAT(server().answers, ElementsAre("refused"));
}

TEST_F(ServerQuestionsTest, OnlySoManyMayBeOpen) {
  TestClient& client = call();
  for (std::size_t count = 0; count < kQuestionsMax + 2; ++count) {
    server().ask(0, "elicitation/create", "{}");
  }
  EXPECT_THAT(server().answers, ElementsAre("refused", "refused"));
  EXPECT_EQ(told(client, Method::kServerRequest).size(), kQuestionsMax);
  answer(client, 3, ServerAnswerKind::kAnswered, "{}");
  server().ask(0, "elicitation/create", "{}");
  EXPECT_EQ(told(client, Method::kServerRequest).size(), kQuestionsMax + 1);
  end();
}

TEST_F(ServerQuestionsTest, AClientWithoutRoomIsAskedWhenItHasSome) {
  TestClient& client = call();
  client.record.refuse_next = Error::of(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  server().ask(0, "elicitation/create", "{}");
  EXPECT_THAT(told(client, Method::kServerRequest), IsEmpty());
  EXPECT_THAT(server().answers, IsEmpty());
  client.recording().tell_all_sent();
  EXPECT_EQ(told(client, Method::kServerRequest).size(), 1U);
  answer(client, 1, ServerAnswerKind::kAnswered, "{}");
  EXPECT_THAT(server().answers, ElementsAre("result {}"));
  end();
}

}  // namespace
}  // namespace mcpwire::daemon
