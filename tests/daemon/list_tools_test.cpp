// SPDX-License-Identifier: MIT
#include "tests/daemon/support/daemon_fixture.hpp"

#include <gmock/gmock.h>

#include <map>

namespace mcpwire::daemon {
namespace {

using protocol::Method;
using protocol::Outcome;
using test_support::list_payload;
using ::testing::HasSubstr;

struct Listed {
  std::vector<std::string> successes;  ///< "server tools".
  std::map<std::string, std::string> failures;
  std::vector<std::uint64_t> durations;
};

Listed read_listing(const std::string& payload) {
  Listed listed;
  const protocol::PayloadReader reader(as_bytes(payload));
  const auto reply = reader.fixed<protocol::ListToolsReply>();
  if (!reply.has_value()) return listed;
  const auto successes = reader.array<protocol::ToolsEntry>(reply->successes, reply->success_bytes);
  const auto failures = reader.array<protocol::FailureEntry>(reply->failures, reply->failure_bytes);
  for (const protocol::ToolsEntry& entry : *successes) {
    listed.successes.push_back(std::string(*reader.text(entry.server)) + " " +
                               std::string(*reader.text(entry.tools)));
    listed.durations.push_back(entry.duration_ns);
  }
  for (const protocol::FailureEntry& entry : *failures) {
    listed.failures.emplace(*reader.text(entry.server), *reader.text(entry.message));
    listed.durations.push_back(entry.duration_ns);
  }
  return listed;
}

class ListToolsTest : public DaemonTest {
 protected:
  /// Servers answer with one tool that bears their name, except those that `broken` names.
  void answer_all() {
    factory.prepare = [](Server& server) {
      const std::string name = server.spec.name;
      if (name == "broken") {
        server.transport.set_open_result(
            fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed, "no such program"));
      }
      if (name == "silent") return;
      server.transport.handler = [name](std::string_view method, std::string_view) {
        EXPECT_EQ(method, "tools/list");
        return io::RpcReply{Outcome::kOk, R"({"tools":[{"name":")" + name + R"("}]})", {}, true};
      };
    };
  }
};

TEST_F(ListToolsTest, GivesTheToolsOfAllServersInTheOrderOfTheFile) {
  configure({"web", "files", "db"});
  answer_all();
  TestClient& client = connect_configured();
  const Answer answer = ask(client, Method::kListTools, list_payload(""));
  ASSERT_EQ(answer.outcome, Outcome::kOk);
  const Listed listed = read_listing(answer.payload);
  EXPECT_EQ(listed.successes,
            (std::vector<std::string>{R"(web [{"name":"web"}])", R"(files [{"name":"files"}])",
                                      R"(db [{"name":"db"}])"}));
  EXPECT_TRUE(listed.failures.empty());
}

TEST_F(ListToolsTest, GivesTheToolsOfOneServerAndStartsNoOther) {
  configure({"web", "files"});
  answer_all();
  TestClient& client = connect_configured();
  const Listed listed =
      read_listing(ask(client, Method::kListTools, list_payload("files")).payload);
  EXPECT_EQ(listed.successes, (std::vector<std::string>{R"(files [{"name":"files"}])"}));
  EXPECT_EQ(factory.count(), 1U);
}

TEST_F(ListToolsTest, AnUnknownServerIsRejectedWithTheNearestName) {
  configure({"web", "files"});
  TestClient& client = connect_configured();
  const Answer answer = ask(client, Method::kListTools, list_payload("wbe"));
  EXPECT_EQ(answer.outcome, Outcome::kRejected);
  EXPECT_EQ(answer.failure().error.message(), "unknown server 'wbe'; did you mean 'web'?");
}

TEST_F(ListToolsTest, ABrokenServerHidesNoOther) {
  configure({"web", "broken", "files", "gone"});
  files.remove("/opt/gone");
  answer_all();
  TestClient& client = connect_configured();
  const Answer answer = ask(client, Method::kListTools, list_payload(""));
  ASSERT_EQ(answer.outcome, Outcome::kOk);
  const Listed listed = read_listing(answer.payload);
  EXPECT_EQ(listed.successes.size(), 2U);
  ASSERT_EQ(listed.failures.size(), 2U);
  EXPECT_THAT(listed.failures.at("broken"), HasSubstr("no such program"));
  EXPECT_THAT(listed.failures.at("gone"), HasSubstr("/opt/gone"));
}

TEST_F(ListToolsTest, ASilentServerFailsAtTheDeadlineAndTheOthersAreListed) {
  configure({"silent", "web"});
  answer_all();
  TestClient& client = connect_configured();
  const std::uint64_t id =
      client.request(Method::kListTools, list_payload("", loop.now_ns() + 3 * kSecond));
  advance(3 * kSecond - 1);
  EXPECT_FALSE(client.answer(id).has_value());
  advance(1);
  ASSERT_TRUE(client.answer(id).has_value());
  const Listed listed = read_listing(client.answer(id)->payload);
  EXPECT_EQ(listed.successes.size(), 1U);
  EXPECT_EQ(listed.failures.count("silent"), 1U);
  EXPECT_EQ(listed.durations, (std::vector<std::uint64_t>{0, 3 * kSecond}));
}

TEST_F(ListToolsTest, AServerThatDoesNotOpenFailsAtTheDeadlineToo) {
  configure({"web"});
  factory.prepare = [](Server& server) { server.transport.hold_open(); };
  TestClient& client = connect_configured();
  const std::uint64_t id =
      client.request(Method::kListTools, list_payload("", loop.now_ns() + 3 * kSecond));
  advance(3 * kSecond);
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(read_listing(client.answer(id)->payload).failures.count("web"), 1U);
}

TEST_F(ListToolsTest, FiveServersAreAskedAtATimeOverAllClientsTogether) {
  configure({"a", "b", "c", "d", "e", "f", "g"});
  TestClient& one = connect_configured();
  TestClient& other = connect_configured();
  const std::uint64_t first = one.request(Method::kListTools, list_payload(""));
  const std::uint64_t second = other.request(Method::kListTools, list_payload(""));
  settle();
  const auto waiting = [this] {
    std::size_t count = 0;
    for (std::size_t index = 0; index < factory.count(); ++index) {
      count += factory.transport(index).waiting();
    }
    return count;
  };
  for (int answered = 0; answered < 14; ++answered) {
    EXPECT_EQ(waiting(), std::min<std::size_t>(5, static_cast<std::size_t>(14 - answered)));
    std::size_t index = 0;
    while (factory.transport(index).waiting() == 0) ++index;
    factory.transport(index).answer_ok(0, R"({"tools":[]})");
    settle();
  }
  EXPECT_EQ(read_listing(one.answer(first)->payload).successes.size(), 7U);
  EXPECT_EQ(read_listing(other.answer(second)->payload).successes.size(), 7U);
}

TEST_F(ListToolsTest, ACallerMayAskForItsOwnLimit) {
  configure({"a", "b", "c"});
  TestClient& client = connect_configured();
  client.request(Method::kListTools, list_payload("", 0, 2));
  settle();
  EXPECT_EQ(factory.count(), 2U);
}

TEST_F(ListToolsTest, CancelEndsTheRequestAndTheQuestionsToTheServers) {
  configure({"silent", "web"});
  answer_all();
  TestClient& client = connect_configured();
  const std::uint64_t id = client.request(Method::kListTools, list_payload(""));
  settle();
  client.cancel(id);
  settle();
  ASSERT_TRUE(client.answer(id).has_value());
  EXPECT_EQ(client.answer(id)->outcome, Outcome::kCancelled);
  for (std::size_t index = 0; index < factory.count(); ++index) {
    EXPECT_EQ(factory.transport(index).waiting(), 0U);
  }
}

TEST_F(ListToolsTest, AConfigurationWithoutServersHasNoTools) {
  configure({});
  TestClient& client = connect_configured();
  const Answer answer = ask(client, Method::kListTools, list_payload(""));
  EXPECT_EQ(answer.outcome, Outcome::kOk);
  EXPECT_TRUE(read_listing(answer.payload).successes.empty());
}

}  // namespace
}  // namespace mcpwire::daemon
