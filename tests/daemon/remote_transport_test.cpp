// SPDX-License-Identifier: MIT
//
// A server of one loop, used from another: both loops are real and on the test's thread, the server
// is in memory.
#include "daemon/remote_transport.hpp"

#include "daemon/sharded_factory.hpp"
#include "tests/io/chosen_loop.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/pool/fake_transport_factory.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

using protocol::Outcome;
using test_support::BackgroundTask;
using ::testing::ElementsAre;

constexpr std::size_t kClient = 0;
constexpr std::size_t kOwner = 1;

/// One of the two loops.
struct Side {
  Side(io::ShardMail& mail, std::size_t number) : port(*loop, mail, number) {}
  std::unique_ptr<io::Loop> loop = io::create_chosen_loop().value();
  io::ShardPort port;
  io::Scope visits{*loop};
  test_support::FakeTransportFactory servers{*loop};
  pool::ConnectionPool pool{*loop, servers, {}};
};

/// Whoever asked: observer, progress and questions in one.
struct Caller final : io::SendObserver, io::ProgressSink, io::ServerRequestSink {
  bool may_send() override { return is_willing; }
  void on_sent() override { ++sent; }
  void on_progress(std::string_view params) override { progress.emplace_back(params); }
  void on_server_request(std::unique_ptr<io::ServerRequest> request) override {
    questions.push_back(std::move(request));
  }
  bool is_willing = true;
  int sent = 0;
  std::vector<std::string> progress;
  std::vector<std::unique_ptr<io::ServerRequest>> questions;
};

class RemoteTransportTest : public testing::Test, protected io::McpTransport::CloseObserver {
 protected:
  using Reply = BackgroundTask<io::RpcReply>;

  RemoteTransportTest() {
    places_[kClient] = {client_.loop.get(), &client_.pool, &client_.port, &client_.visits, {}};
    places_[kOwner] = {owner_.loop.get(), &owner_.pool, &owner_.port, &owner_.visits, {}};
    spec_.identity = "one";
    spec_.name = "server";
    transport_ = std::make_unique<RemoteTransport>(places_, kClient, kOwner, spec_, alive_);
    transport_->observe_close(*this);
  }

  void TearDown() override {
    caller_.questions.clear();
    BackgroundTask<int> closed(*client_.loop, close(*transport_));
    settle();
    ASSERT_TRUE(closed.has_ended());
    transport_.reset();
    EXPECT_EQ(alive_, 0U);
    BackgroundTask<int> cleared(*owner_.loop, clear(owner_));
    settle();
    ASSERT_TRUE(cleared.has_ended());
  }

  void on_transport_closed(const Error& why) override { closed_.push_back(why); }

  void settle() {
    for (int idle = 0; idle < 3;) {
      bool worked = client_.loop->run_once(0);
      worked |= owner_.loop->run_once(0);
      idle = worked ? 0 : idle + 1;
    }
  }

  Result<void> open() {
    BackgroundTask<Result<void>> opened(*client_.loop, transport_->open(scope_, kNever));
    settle();
    EXPECT_TRUE(opened.has_ended());
    return opened.value();
  }

  Reply request(const char* method, const char* params, io::RequestOptions options) {
    options.scope = &scope_;
    return Reply(*client_.loop, transport_->request(method, params, options));
  }
  io::RequestOptions all_options() {
    return {.observer = &caller_, .progress = &caller_, .server_requests = &caller_};
  }
  test_support::FakeMcpTransport& server() { return owner_.servers.transport(0); }

  // NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
  static io::task<int> close(io::McpTransport& transport) {
    co_await transport.close();
    co_return 0;
  }
  static io::task<int> clear(Side& side) {
    co_await side.pool.clear();
    const Result<void> joined = co_await side.visits.join();
    co_return joined.has_value() ? 0 : 1;
  }
  // NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

  std::unique_ptr<io::ShardMail> mail_ = io::ShardMail::create(2).value();
  ShardPlaces places_ = ShardPlaces(2);
  Side client_{*mail_, kClient};
  Side owner_{*mail_, kOwner};
  pool::ServerSpec spec_;
  std::size_t alive_ = 0;
  io::CancelScope scope_;
  Caller caller_;
  std::vector<Error> closed_;
  std::unique_ptr<RemoteTransport> transport_;
};

TEST_F(RemoteTransportTest, OpensTheServerAtItsOwner) {
  ASSERT_TRUE(open().has_value());
  EXPECT_TRUE(transport_->is_open());
  EXPECT_EQ(owner_.servers.count(), 1U);
  EXPECT_EQ(client_.servers.count(), 0U);
  EXPECT_EQ(transport_->server_info().name, "fake");
  EXPECT_EQ(transport_->process_id(), 4242);
}

TEST_F(RemoteTransportTest, AFailureToOpenIsTheOwners) {
  owner_.servers.prepare = [](test_support::FakeTransportFactory::Server& made) {
    made.transport.set_open_result(fail(ErrorKind::kConfiguration, ErrorCode::kCommandNotFound));
  };
  const Result<void> opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kCommandNotFound);
  EXPECT_FALSE(transport_->is_open());
}

TEST_F(RemoteTransportTest, WhoGivesUpOpeningLeavesTheOpeningToOthers) {
  owner_.servers.prepare = [](test_support::FakeTransportFactory::Server& made) {
    made.transport.hold_open();
  };
  BackgroundTask<Result<void>> opened(*client_.loop, transport_->open(scope_, kNever));
  settle();
  EXPECT_FALSE(opened.has_ended());
  scope_.cancel(io::CancelCause::kCaller);
  settle();
  ASSERT_TRUE(opened.has_ended());
  EXPECT_EQ(opened.value().error().code, ErrorCode::kCancelledByCaller);
  EXPECT_EQ(owner_.pool.active_count(), 1U);
  server().release_open();
}

TEST_F(RemoteTransportTest, ARequestAndItsAnswerCross) {
  ASSERT_TRUE(open().has_value());
  io::RequestOptions options = all_options();
  options.meta = R"({"trace":"1"})";
  options.abilities = protocol::mcp::ClientAbilities::from_bits(5);
  Reply reply = request("tools/call", R"({"name":"echo"})", options);
  settle();
  EXPECT_FALSE(reply.has_ended());
  EXPECT_EQ(server().waiting_method(0), "tools/call");
  EXPECT_EQ(server().waiting_params(0), R"({"name":"echo"})");
  EXPECT_EQ(server().waiting_meta(0), R"({"trace":"1"})");
  EXPECT_EQ(server().waiting_abilities(0).bits(), 5);
  server().progress(0, R"({"progress":1})");
  server().progress(0, R"({"progress":2})");
  server().answer_ok(0, R"({"content":[]})");
  settle();
  ASSERT_TRUE(reply.has_ended());
  EXPECT_EQ(reply.value().outcome, Outcome::kOk);
  EXPECT_EQ(reply.value().body, R"({"content":[]})");
  EXPECT_EQ(caller_.sent, 1);
  EXPECT_THAT(caller_.progress, ElementsAre(R"({"progress":1})", R"({"progress":2})"));
}

TEST_F(RemoteTransportTest, AdviceThatIsNotTakenIsDroppedAndTheAnswerComes) {
  ASSERT_TRUE(open().has_value());
  Reply reply = request("tools/call", "{}", all_options());
  settle();
  constexpr std::size_t kTooMuch = kAdviceMax + 10;
  const auto flood = [this] {
    for (std::size_t step = 0; step < kTooMuch; ++step) server().progress(0, std::to_string(step));
  };
  flood();  // The client's loop does not get to run.
  settle();
  ASSERT_EQ(caller_.progress.size(), kAdviceMax);
  EXPECT_EQ(caller_.progress.front(), "0");
  EXPECT_EQ(caller_.progress.back(), std::to_string(kAdviceMax - 1)) << "in order";
  flood();
  server().answer_ok(0, "1");
  settle();
  EXPECT_EQ(caller_.progress.size(), 2 * kAdviceMax) << "there is room again";
  EXPECT_TRUE(reply.has_ended());
}

TEST_F(RemoteTransportTest, AnErrorOfTheServerCrosses) {
  ASSERT_TRUE(open().has_value());
  Reply reply = request("tools/call", "{}", {});
  settle();
  server().answer_error(0, R"({"code":-32602})");
  settle();
  ASSERT_TRUE(reply.has_ended());
  EXPECT_EQ(reply.value().outcome, Outcome::kPeerError);
  EXPECT_EQ(reply.value().body, R"({"code":-32602})");
}

TEST_F(RemoteTransportTest, AnswersFindTheirRequestsInAnyOrder) {
  ASSERT_TRUE(open().has_value());
  Reply first = request("a", "{}", {});
  Reply second = request("b", "{}", {});
  settle();
  server().answer_ok(1, R"("of b")");
  server().answer_ok(0, R"("of a")");
  settle();
  EXPECT_EQ(first.value().body, R"("of a")");
  EXPECT_EQ(second.value().body, R"("of b")");
}

TEST_F(RemoteTransportTest, WhatWasRevokedDoesNotCross) {
  ASSERT_TRUE(open().has_value());
  caller_.is_willing = false;
  const Reply reply = request("tools/call", "{}", all_options());
  settle();
  ASSERT_TRUE(reply.has_ended());
  EXPECT_EQ(server().sent(), 0U);
  EXPECT_EQ(caller_.sent, 0);
}

TEST_F(RemoteTransportTest, ACancellationCrossesAndTheOwnerSaysHowItEnded) {
  ASSERT_TRUE(open().has_value());
  Reply reply = request("tools/call", "{}", all_options());
  settle();
  scope_.cancel(io::CancelCause::kCaller);
  EXPECT_FALSE(reply.has_ended()) << "only the owner knows";
  settle();
  ASSERT_TRUE(reply.has_ended());
  EXPECT_EQ(reply.value().outcome, Outcome::kCancelled);
  EXPECT_TRUE(reply.value().may_have_been_sent);
  EXPECT_EQ(server().waiting(), 0U);
}

TEST_F(RemoteTransportTest, ACancellationThatMeetsTheAnswerChangesNothing) {
  ASSERT_TRUE(open().has_value());
  Reply reply = request("tools/call", "{}", {});
  settle();
  server().answer_ok(0, "1");
  owner_.loop->run_once(0);
  scope_.cancel(io::CancelCause::kCaller);
  settle();
  ASSERT_TRUE(reply.has_ended());
  EXPECT_EQ(reply.value().outcome, Outcome::kOk);
}

TEST_F(RemoteTransportTest, QuestionsOfTheServerAreAnsweredOnTheClientsLoop) {
  ASSERT_TRUE(open().has_value());
  Reply reply = request("tools/call", "{}", all_options());
  settle();
  for (const char* method : {"roots/list", "sampling/createMessage", "elicitation/create"}) {
    ASSERT_TRUE(server().ask(0, method, R"({"q":1})"));
  }
  settle();
  ASSERT_EQ(caller_.questions.size(), 3U);
  EXPECT_EQ(caller_.questions[0]->method(), "roots/list");
  EXPECT_EQ(caller_.questions[0]->params(), R"({"q":1})");
  caller_.questions[0]->answer(R"({"roots":[]})");
  caller_.questions[1]->answer_error(R"({"code":-1})");
  caller_.questions.clear();  // The third is refused by being let go.
  settle();
  EXPECT_THAT(server().answers,
              ElementsAre(R"(result {"roots":[]})", R"(error {"code":-1})", "refused"));
  server().answer_ok(0, "1");
  settle();
  EXPECT_TRUE(reply.has_ended());
}

TEST_F(RemoteTransportTest, AClientThatTakesNoQuestionsIsNotAsked) {
  ASSERT_TRUE(open().has_value());
  const Reply reply = request("tools/call", "{}", {});
  settle();
  EXPECT_FALSE(server().ask(0, "roots/list", "{}"));
  server().answer_ok(0, "1");
  settle();
}

TEST_F(RemoteTransportTest, TheEndOfTheServerIsToldAndEndsItsRequests) {
  ASSERT_TRUE(open().has_value());
  Reply reply = request("tools/call", "{}", {});
  settle();
  server().lose(Error::of(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  settle();
  ASSERT_TRUE(reply.has_ended());
  EXPECT_EQ(reply.value().outcome, Outcome::kUnknown);
  ASSERT_EQ(closed_.size(), 1U);
  EXPECT_EQ(closed_[0].code, ErrorCode::kServerExited);
  EXPECT_FALSE(transport_->is_open());
  const Reply late = request("tools/call", "{}", {});
  settle();
  EXPECT_TRUE(late.has_ended());
}

TEST_F(RemoteTransportTest, CloseGivesUpRequestsAndTheLease) {
  ASSERT_TRUE(open().has_value());
  Reply reply = request("tools/call", "{}", {});
  settle();
  BackgroundTask<int> closed(*client_.loop, close(*transport_));
  settle();
  ASSERT_TRUE(closed.has_ended());
  ASSERT_TRUE(reply.has_ended());
  EXPECT_NE(reply.value().outcome, Outcome::kOk);
  EXPECT_TRUE(closed_.empty()) << "it did not end by itself";
  EXPECT_EQ(owner_.pool.active_count(), 0U) << "nobody else has used it";
}

TEST_F(RemoteTransportTest, CloseLeavesAServerThatWasUsedSince) {
  ASSERT_TRUE(open().has_value());
  BackgroundTask<Result<pool::Lease>> other(*owner_.loop, owner_.pool.get(spec_, scope_));
  settle();
  BackgroundTask<int> closed(*client_.loop, close(*transport_));
  settle();
  ASSERT_TRUE(closed.has_ended());
  EXPECT_EQ(owner_.pool.active_count(), 1U);
  EXPECT_TRUE(server().is_open());
  other.value() = pool::Lease();
}

TEST(ShardedFactoryTest, EveryShardHasItsShareAndAgreesOnTheOwner) {
  std::vector<int> share(4);
  for (int number = 0; number < 400; ++number) {
    const std::size_t owner = owner_of("server " + std::to_string(number), 4);
    ASSERT_LT(owner, 4U);
    ++share[owner];
  }
  for (const int count : share) EXPECT_GT(count, 50);
  EXPECT_EQ(owner_of("any", 1), 0U);
}

}  // namespace
}  // namespace mcpwire::daemon
