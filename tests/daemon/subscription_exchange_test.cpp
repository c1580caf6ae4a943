// SPDX-License-Identifier: MIT
//
// Listening to a server of another loop: both loops are real and on the test's thread, the server
// is in memory.
#include "daemon/subscription_exchange.hpp"

#include "daemon/remote_transport.hpp"
#include "daemon/sharded_factory.hpp"
#include "daemon/subscriptions.hpp"
#include "tests/io/chosen_loop.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/pool/fake_transport_factory.hpp"

#include <gmock/gmock.h>

#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

using test_support::BackgroundTask;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kHere = 0;
constexpr std::size_t kOwner = 1;

/// One of the two loops.
struct Side {
  Side(io::ShardMail& mail, ShardPlaces& places, std::size_t number)
      : port(*loop, mail, number), exchange(places, number, hub) {
    hub.use_exchange(&exchange);
    places[number] = {loop.get(), &pool, &port, &visits, {}, &exchange};
  }
  std::unique_ptr<io::Loop> loop = io::create_chosen_loop().value();
  io::ShardPort port;
  io::Scope visits{*loop};
  test_support::FakeTransportFactory servers{*loop};
  pool::ConnectionPool pool{*loop, servers, {}};
  SubscriptionHub hub{*loop, pool};
  SubscriptionExchange exchange;
  bool is_stopped = false;
};

/// Somebody who listens, and writes down what he hears without the acknowledgement's details.
struct Listener final : Subscription {
  explicit Listener(Interests wanted) : Subscription(std::move(wanted)) {}
  void on_heard(std::string_view method, std::string_view params) override {
    constexpr std::string_view kPrefix = "notifications/";
    heard.push_back(std::string(method.substr(kPrefix.size())) +
                    (params.contains("\"uri\"") ? std::string(params) : ""));
  }
  void on_unreachable(const Error& why) override { faults.push_back(why.code); }
  std::vector<std::string> heard;
  std::vector<ErrorCode> faults;
};

Interests lists() { return {true, true, true, {}}; }
Interests of_uri(const char* uri) { return {false, false, false, {uri}}; }

class SubscriptionExchangeTest : public testing::Test {
 protected:
  SubscriptionExchangeTest() {
    auto configuration = std::make_shared<ActiveConfiguration>();
    pool::ServerSpec spec;
    spec.name = "server";
    for (int number = 0; owner_of(spec.identity, 2) != kOwner; ++number) {
      spec.identity = "server " + std::to_string(number);
    }
    configuration->servers.push_back({"server", spec});
    server_ = {configuration, &configuration->servers.front()};
    owner_.servers.prepare = [](test_support::FakeTransportFactory::Server& made) {
      made.transport.info.capabilities_json =
          R"({"tools":{"listChanged":true},"resources":{"subscribe":true}})";
      made.transport.handler = [](std::string_view, std::string_view) {
        return io::RpcReply{protocol::Outcome::kOk, {"{}"}, {}, true};
      };
    };
  }

  void TearDown() override {
    for (Side* side : {&here_, &owner_}) {
      BackgroundTask<int> stopped(*side->loop, stop(*side));
      settle();
      ASSERT_TRUE(stopped.has_ended());
    }
  }

  void settle() {
    for (int idle = 0; idle < 3;) {
      bool worked = here_.loop->run_once(0);
      worked |= owner_.loop->run_once(0);
      idle = worked ? 0 : idle + 1;
    }
  }
  /// Only the owner's loop goes on.
  void let_owner_work() {
    while (owner_.loop->run_once(0)) {
    }
  }

  Listener& listen(Side& side, Interests interests) {
    Listener& listener = listeners_.emplace_back(std::move(interests));
    side.hub.join(server_, listener);
    settle();
    return listener;
  }
  void leave(Side& side, Listener& listener) {
    side.hub.leave(server_, listener);
    settle();
  }
  test_support::FakeMcpTransport& server() { return owner_.servers.transport(0); }
  void say(const char* method, std::string_view params = {}) {
    server().notify(std::string("notifications/") + method, params);
  }

  // NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
  static io::task<int> close(io::McpTransport& transport) {
    co_await transport.close();
    co_return 0;
  }
  static io::task<int> stop(Side& side) {
    if (std::exchange(side.is_stopped, true)) co_return 0;
    co_await side.hub.stop();
    co_await side.pool.clear();
    const Result<void> joined = co_await side.visits.join();
    co_return joined.has_value() ? 0 : 1;
  }
  // NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

  std::unique_ptr<io::ShardMail> mail_ = io::ShardMail::create(2).value();
  ShardPlaces places_ = ShardPlaces(2);
  Side here_{*mail_, places_, kHere};
  Side owner_{*mail_, places_, kOwner};
  FoundServer server_;
  std::list<Listener> listeners_;
};

TEST_F(SubscriptionExchangeTest, ListenersOfBothLoopsShareTheOwnersFeed) {
  Listener& guest = listen(here_, lists());
  Listener& local = listen(owner_, lists());
  EXPECT_EQ(owner_.servers.count(), 1U);
  EXPECT_EQ(here_.servers.count(), 0U);
  say("tools/list_changed");
  say("prompts/list_changed");
  settle();
  for (const Listener* one : {&guest, &local}) {
    EXPECT_THAT(one->heard, ElementsAre("subscriptions/acknowledged", "tools/list_changed",
                                        "prompts/list_changed"));
  }
  leave(here_, guest);
  leave(owner_, local);
}

TEST_F(SubscriptionExchangeTest, AResourceIsSubscribedOnceAndUnsubscribedWithTheLastListener) {
  Listener& guest = listen(here_, of_uri("\"a\""));
  Listener& local = listen(owner_, of_uri("\"a\""));
  EXPECT_EQ(server().sent("resources/subscribe"), 1U);
  leave(owner_, local);
  EXPECT_EQ(server().sent("resources/unsubscribe"), 0U);
  say("resources/updated", R"({"uri":"a"})");
  settle();
  EXPECT_THAT(guest.heard,
              ElementsAre("subscriptions/acknowledged", R"(resources/updated{"uri":"a"})"));
  EXPECT_THAT(local.heard, SizeIs(1));
  leave(here_, guest);
  EXPECT_EQ(server().sent("resources/unsubscribe"), 1U);
}

TEST_F(SubscriptionExchangeTest, WhoComesInTheTurnInWhichTheLastOneGoesIsSubscribed) {
  for (Side* side : {&owner_, &here_}) {
    Listener& last = listen(owner_, of_uri("\"a\""));
    owner_.hub.leave(server_, last);
    Listener& next = listen(*side, of_uri("\"a\""));
    EXPECT_EQ(server().sent("resources/subscribe"), 1 + server().sent("resources/unsubscribe"));
    if (side == &owner_) EXPECT_EQ(server().sent("resources/unsubscribe"), 0U) << "the same feed";
    say("resources/updated", R"({"uri":"a"})");
    settle();
    EXPECT_EQ(next.heard.back(), R"(resources/updated{"uri":"a"})");
    leave(*side, next);
    EXPECT_EQ(server().sent("resources/subscribe"), server().sent("resources/unsubscribe"));
  }
}

TEST_F(SubscriptionExchangeTest, WhatALoopDoesNotTakeIsKeptInOrderOnceAndNoLongerThanSoMuch) {
  Listener& guest = listen(here_, {false, false, false, {"\"a\"", "\"b\""}});
  guest.heard.clear();
  const auto update = [this](std::string name) {
    say("resources/updated", R"({"uri":")" + name + "\"}");
    let_owner_work();
  };
  update("a");  // On its way, and not taken.
  for (int times = 0; times < 3; ++times) {
    update("a/twice");
    update("b/twice");
  }
  settle();
  EXPECT_THAT(guest.heard, ElementsAre(R"(resources/updated{"uri":"a"})",
                                       R"(resources/updated{"uri":"a/twice"})",
                                       R"(resources/updated{"uri":"b/twice"})"));
  guest.heard.clear();
  constexpr std::size_t kTooMany = 1 + Untold::kMax + 10;
  for (std::size_t number = 0; number < kTooMany; ++number) update("a/" + std::to_string(number));
  settle();
  ASSERT_THAT(guest.heard, SizeIs(1 + Untold::kMax));
  EXPECT_EQ(guest.heard[0], R"(resources/updated{"uri":"a/0"})");
  EXPECT_EQ(guest.heard[1], R"(resources/updated{"uri":"a/11"})") << "the oldest are forgotten";
  EXPECT_EQ(guest.heard.back(),
            R"(resources/updated{"uri":"a/)" + std::to_string(kTooMany - 1) + "\"}");
  leave(here_, guest);
}

TEST_F(SubscriptionExchangeTest, WhoHasLeftHearsNothingThatWasOnItsWay) {
  Listener& guest = listen(here_, lists());
  Listener& other = listen(here_, lists());
  guest.heard.clear();
  say("tools/list_changed");
  let_owner_work();
  here_.hub.leave(server_, guest);
  settle();
  EXPECT_THAT(guest.heard, IsEmpty());
  EXPECT_EQ(other.heard.back(), "tools/list_changed");
  leave(here_, other);
}

TEST_F(SubscriptionExchangeTest, AServerThatCannotBeOpenedIsTold) {
  owner_.servers.prepare = [](test_support::FakeTransportFactory::Server& made) {
    made.transport.set_open_result(fail(ErrorKind::kConfiguration, ErrorCode::kCommandNotFound));
  };
  Listener& guest = listen(here_, lists());
  EXPECT_THAT(guest.faults, ElementsAre(ErrorCode::kCommandNotFound));
  leave(here_, guest);
}

TEST_F(SubscriptionExchangeTest, NewsOfTasksReachTheLoopThatMayWaitForOne) {
  struct Recorder final : io::McpTransport::MessageObserver {
    void on_notification(std::string_view method, std::string_view params) override {
      heard.push_back(std::string(method) + " " + std::string(params));
    }
    void on_junk_line(std::string_view) override {}
    std::vector<std::string> heard;
  } recorder;
  std::size_t alive = 0;
  RemoteTransport transport(places_, kHere, kOwner, *server_.server->spec, alive);
  transport.observe_messages(recorder);
  io::CancelScope scope;
  BackgroundTask<Result<void>> opened(*here_.loop, transport.open(scope, kNever));
  settle();
  ASSERT_TRUE(opened.has_ended());
  say("tasks/status", R"({"taskId":"t","status":"completed"})");
  say("tools/list_changed");
  settle();
  EXPECT_THAT(recorder.heard,
              ElementsAre(R"(notifications/tasks/status {"taskId":"t","status":"completed"})"));
  BackgroundTask<int> closed(*here_.loop, close(transport));
  settle();
  EXPECT_TRUE(closed.has_ended());
}

TEST_F(SubscriptionExchangeTest, AnOwnerThatStopsFirstLetsItsVisitorsGo) {
  Listener& guest = listen(here_, of_uri("\"a\""));
  BackgroundTask<int> stopped(*owner_.loop, stop(owner_));
  settle();
  EXPECT_TRUE(stopped.has_ended());
  listen(here_, lists());  // Too late: nobody answers, and nothing is left of it.
  leave(here_, listeners_.back());
  leave(here_, guest);
}

}  // namespace
}  // namespace mcpwire::daemon
