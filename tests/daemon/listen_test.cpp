// SPDX-License-Identifier: MIT
//
// Who listens to servers hears of them: one conversation per server for all, in both eras, across
// restarts, and not every word of a server that chatters.
#include "daemon/subscriptions.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"
#include "tests/daemon/support/message_payloads.hpp"

#include <gmock/gmock.h>

namespace mcpwire::daemon {
namespace {

using protocol::Method;
using protocol::Outcome;
using protocol::mcp::Revision;
using test_support::FakeMcpTransport;
using test_support::message_payload;
using test_support::told;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kLists =
    R"({"notifications":{"toolsListChanged":true,"promptsListChanged":true}})";
constexpr const char* kUri = R"({"notifications":{"resourceSubscriptions":["a:1"]}})";

class ListenTest : public DaemonTest {
 protected:
  static constexpr std::uint64_t kFeatures = protocol::feature::kMessages;
  static constexpr std::uint64_t kMs = kNanosecondsPerMillisecond;

  ListenTest() {
    services->subscriptions = &hub;
    configure({"files", "web"});
    factory.prepare = [this](Server& started) {
      started.transport.info.capabilities_json =
          R"({"tools":{"listChanged":true},"resources":{"subscribe":true}})";
      started.transport.info.revision = revision;
    };
  }
  void TearDown() override {
    for (TestClient& client : clients) client.disconnect();
    settle();
    test_support::BackgroundTask<int> stopped(loop, stop());
    for (int tries = 0; tries < 8 && !stopped.has_ended(); ++tries) advance(kSecond);
    ASSERT_TRUE(stopped.has_ended());
    DaemonTest::TearDown();
  }

  TestClient& listen(std::string_view params, std::string_view server = "files",
                     std::uint64_t deadline_ns = 0) {
    TestClient& client = connect_configured(kFeatures);
    client.request(Method::kRequest, message_payload({.server = server,
                                                      .method = "subscriptions/listen",
                                                      .params = params,
                                                      .deadline_ns = deadline_ns}));
    settle();
    return client;
  }
  static std::vector<std::string> heard(const TestClient& client) {
    std::vector<std::string> all = told(client, Method::kNotification);
    if (!all.empty()) all.erase(all.begin());  // The acknowledgement, see its own test.
    return all;
  }
  void notify(const char* method, std::string_view params = {}, std::size_t index = 0) {
    server(index).notify(method, params);
    settle();
  }
  FakeMcpTransport& server(std::size_t index = 0) { return factory.transport(index); }
  void answer_all(std::size_t index = 0) {
    while (server(index).waiting() > 0) {
      server(index).answer_ok(0, "{}");
      settle();
    }
  }

  io::task<int> stop() {
    co_await hub.stop();
    co_return 0;
  }

  Revision revision = Revision::k2025_11_25;
  SubscriptionHub hub{loop, pool};
};

TEST_F(ListenTest, SaysWhatItListensToAndPassesOnWhatWasAskedFor) {
  TestClient& client = listen(kLists);
  EXPECT_THAT(told(client, Method::kNotification),
              ElementsAre("files notifications/subscriptions/acknowledged "
                          R"({"notifications":{"toolsListChanged":true}})"));
  notify("notifications/tools/list_changed");
  notify("notifications/prompts/list_changed");
  notify("notifications/resources/list_changed");
  notify("notifications/other");
  EXPECT_THAT(heard(client), ElementsAre("files notifications/tools/list_changed ",
                                         "files notifications/prompts/list_changed "));
  EXPECT_FALSE(client.answer(1).has_value());
}

TEST_F(ListenTest, EndsWhenItIsCancelledAndLetsTheServerGo) {
  TestClient& client = listen(kLists);
  client.cancel(1);
  settle();
  EXPECT_EQ(client.answer(1)->outcome, Outcome::kCancelled);
  notify("notifications/tools/list_changed");
  EXPECT_THAT(heard(client), IsEmpty());
}

TEST_F(ListenTest, EndsOrderlyAtItsDeadline) {
  TestClient& client = listen(kLists, "files", loop.now_ns() + kSecond);
  advance(kSecond);
  ASSERT_TRUE(client.answer(1).has_value());
  EXPECT_EQ(client.answer(1)->outcome, Outcome::kOk);
}

TEST_F(ListenTest, ABurstIsTheFirstOfItAndOneMoreWhenItIsQuiet) {
  TestClient& client = listen(kLists);
  for (int count = 0; count < 5; ++count) {
    notify("notifications/tools/list_changed");
    advance(50 * kMs);
  }
  EXPECT_THAT(heard(client), SizeIs(1));
  advance(50 * kMs);
  EXPECT_THAT(heard(client), SizeIs(2));
  advance(kSecond);
  EXPECT_THAT(heard(client), SizeIs(2));
  notify("notifications/tools/list_changed");
  EXPECT_THAT(heard(client), SizeIs(3));
}

TEST_F(ListenTest, ABurstWithoutEndIsToldOfNowAndThen) {
  TestClient& client = listen(kLists);
  for (int count = 0; count < 60; ++count) {
    notify("notifications/tools/list_changed");
    advance(50 * kMs);
  }
  EXPECT_THAT(heard(client), SizeIs(4)) << "at once, then once a second";
}

TEST_F(ListenTest, ALegacyServerIsSubscribedOnceForAllAndUnsubscribedWithTheLast) {
  TestClient& one = listen(kUri);
  EXPECT_EQ(server().waiting_method(0), "resources/subscribe");
  EXPECT_EQ(server().waiting_params(0), R"({"uri":"a:1"})");
  answer_all();
  TestClient& other = listen(kUri);
  EXPECT_EQ(server().sent("resources/subscribe"), 1U);
  notify("notifications/resources/updated", R"({"uri":"a:1/part"})");
  notify("notifications/resources/updated", R"({"uri":"b"})");
  for (const TestClient* client : {&one, &other}) {
    EXPECT_THAT(heard(*client),
                ElementsAre(R"(files notifications/resources/updated {"uri":"a:1/part"})"));
  }
  one.disconnect();
  settle();
  EXPECT_EQ(server().sent("resources/unsubscribe"), 0U);
  other.disconnect();
  settle();
  EXPECT_EQ(server().sent("resources/unsubscribe"), 1U);
  answer_all();
}

TEST_F(ListenTest, WhoComesAsTheLastOneGoesIsSubscribed) {
  TestClient& one = listen(kUri);
  answer_all();
  TestClient& other = connect_configured(kFeatures);
  settle();
  // Both in one turn of the loop.
  one.disconnect();
  other.request(
      Method::kRequest,
      message_payload({.server = "files", .method = "subscriptions/listen", .params = kUri}));
  settle();
  answer_all();
  // Whatever was taken back was asked for again behind it.
  EXPECT_EQ(server().sent("resources/subscribe"), 1 + server().sent("resources/unsubscribe"));
  notify("notifications/resources/updated", R"({"uri":"a:1"})");
  EXPECT_THAT(heard(other), SizeIs(1));
  other.disconnect();
  settle();
  answer_all();
  EXPECT_EQ(server().sent("resources/subscribe"), server().sent("resources/unsubscribe"));
}

TEST_F(ListenTest, ASubscriptionUnderWayIsTakenBackWithTheClientThatAskedForIt) {
  TestClient& one = listen(kUri);
  EXPECT_EQ(server().waiting_method(0), "resources/subscribe");
  one.disconnect();
  settle();
  server().answer_ok(0, "{}");
  settle();
  EXPECT_EQ(server().sent("resources/unsubscribe"), 1U);
  answer_all();
}

TEST_F(ListenTest, WhoLeavesBeforeTheServerIsOpenIsNotWaitedFor) {
  factory.prepare = [](Server& started) { started.transport.hold_open(); };
  TestClient& one = listen(kLists);
  one.cancel(1);
  settle();
  EXPECT_EQ(one.answer(1)->outcome, Outcome::kCancelled);
  TestClient& other = listen(kLists);
  server().release_open();
  settle();
  EXPECT_EQ(factory.count(), 1U);
  EXPECT_THAT(told(other, Method::kNotification), SizeIs(1));
}

TEST_F(ListenTest, AModernServerIsAskedByOneListenForAll) {
  revision = Revision::k2026_07_28;
  TestClient& one = listen(kLists);
  ASSERT_EQ(server().waiting(), 1U);
  EXPECT_EQ(server().waiting_method(0), "subscriptions/listen");
  EXPECT_EQ(server().waiting_params(0), R"({"notifications":{"toolsListChanged":true}})");
  EXPECT_THAT(told(one, Method::kNotification), IsEmpty()) << "the server has not agreed yet";
  notify("notifications/subscriptions/acknowledged", "{}");
  EXPECT_THAT(told(one, Method::kNotification), SizeIs(1));
  TestClient& other = listen(kLists);
  EXPECT_EQ(server().sent(), 1U);
  notify("notifications/tools/list_changed");
  EXPECT_THAT(heard(one), SizeIs(1));
  EXPECT_THAT(heard(other), SizeIs(1));
}

TEST_F(ListenTest, AModernServerIsAskedAnewForAResourceThatIsNew) {
  revision = Revision::k2026_07_28;
  TestClient& one = listen(kLists);
  notify("notifications/subscriptions/acknowledged", "{}");
  TestClient& other = listen(kUri);
  ASSERT_EQ(server().waiting(), 1U);
  EXPECT_EQ(server().waiting_params(0), R"({"notifications":{"toolsListChanged":true,)"
                                        R"("resourceSubscriptions":["a:1"]}})");
  notify("notifications/subscriptions/acknowledged", "{}");
  EXPECT_THAT(told(other, Method::kNotification), SizeIs(2))
      << "agreed; may have changed meanwhile";
  EXPECT_THAT(heard(one), ElementsAre("files notifications/tools/list_changed ",
                                      "files notifications/prompts/list_changed "));
}

TEST_F(ListenTest, AServerThatEndedIsAskedAgainAndAllMayHaveChanged) {
  for (const Revision era : {Revision::k2025_11_25, Revision::k2026_07_28}) {
    revision = era;
    const std::size_t first = factory.count();
    TestClient& client = listen(R"({"notifications":{"toolsListChanged":true}})",
                                era == Revision::k2025_11_25 ? "files" : "web");
    notify("notifications/subscriptions/acknowledged", "{}", first);
    server(first).lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited));
    settle();
    advance(kFeedPauseMinNs);
    ASSERT_EQ(factory.count(), first + 2);
    notify("notifications/subscriptions/acknowledged", "{}", first + 1);
    ASSERT_THAT(heard(client), SizeIs(1));
    EXPECT_THAT(heard(client)[0], testing::HasSubstr("tools/list_changed"));
  }
}

TEST_F(ListenTest, OneServerThatCannotBeOpenedEndsIt) {
  factory.prepare = [](Server& started) {
    started.transport.set_open_result(fail(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  };
  TestClient& client = listen(kLists);
  ASSERT_TRUE(client.answer(1).has_value());
  EXPECT_EQ(client.answer(1)->failure().error.code, ErrorCode::kServerExited);
}

TEST_F(ListenTest, OfAllServersThoseThatCanBeOpenedAreHeard) {
  factory.prepare = [](Server& started) {
    if (started.spec.name == "files") {
      started.transport.set_open_result(fail(ErrorKind::kDisconnected, ErrorCode::kServerExited));
    }
    started.transport.info.capabilities_json = R"({"tools":{"listChanged":true}})";
  };
  TestClient& client = listen(kLists, "");
  EXPECT_FALSE(client.answer(1).has_value());
  const std::size_t web = factory.server(0).spec.name == "web" ? 0 : 1;
  notify("notifications/tools/list_changed", {}, web);
  EXPECT_THAT(heard(client), ElementsAre("web notifications/tools/list_changed "));
}

TEST_F(ListenTest, WhatAClientHasNoRoomForIsToldOnceWhenItHas) {
  TestClient& client = listen(kLists);
  client.record.refuse_next = Error::of(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  notify("notifications/tools/list_changed");
  EXPECT_THAT(heard(client), IsEmpty());
  client.recording().tell_all_sent();
  EXPECT_THAT(heard(client), SizeIs(1));
}

TEST_F(ListenTest, MalformedWishesAreRejected) {
  for (const char* params : {"", "{}", "[]", R"({"notifications":{}})", R"({"notifications":1})",
                             R"({"notifications":{"resourceSubscriptions":[1]}})"}) {
    TestClient& client = listen(params);
    ASSERT_TRUE(client.answer(1).has_value()) << params;
    EXPECT_EQ(client.answer(1)->outcome, Outcome::kRejected) << params;
  }
  EXPECT_EQ(listen(kLists, "nobody").answer(1)->outcome, Outcome::kRejected);
  EXPECT_EQ(factory.count(), 0U);
}

}  // namespace
}  // namespace mcpwire::daemon
