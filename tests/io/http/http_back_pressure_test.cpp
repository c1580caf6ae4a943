// SPDX-License-Identifier: MIT
//
// A client that does not read what its call's stream tells: that stream waits, and nothing else.
#include "tests/io/http/http_transport_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::Outcome;

/// A client with room for so many messages.
struct SlowClient final : ProgressSink {
  void on_progress(std::string_view) override {
    ++told;
    --room;
  }
  bool has_room() const noexcept override { return room > 0; }
  void observe_room(RoomObserver* who) noexcept override { observer = who; }
  void read(int count) {
    room = count;
    if (observer != nullptr) observer->on_room();
  }
  int room = 1;
  int told = 0;
  RoomObserver* observer = nullptr;
};

class HttpBackPressureTest : public HttpTransportTest {
 protected:
  FakeExchange& start(SlowClient& client, RequestOptions options = {}) {
    options.progress = &client;
    made_call_ = &call("tools/call", R"({"name":"x"})", options);
    FakeExchange& exchange = last();
    EXPECT_TRUE(exchange.go_out());
    exchange.stream();
    return exchange;
  }
  static std::string note(const FakeExchange& exchange, int progress) {
    return R"(data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
           id_of(exchange) + R"(,"progress":)" + std::to_string(progress) + "}}\n\n";
  }
  static std::string notes(const FakeExchange& exchange, int from, int to) {
    std::string all;
    for (int progress = from; progress < to; ++progress) all += note(exchange, progress);
    return all;
  }
  static std::string result(const FakeExchange& exchange) {
    return R"(data: {"jsonrpc":"2.0","id":)" + id_of(exchange) + R"(,"result":{}})" + "\n\n";
  }
  Outcome outcome() { return outcome_of(*made_call_); }

  // They outlive the calls, which TearDown() ends.
  SlowClient slow;
  SlowClient other;
  HttpTestCall* made_call_ = nullptr;
};

TEST_F(HttpBackPressureTest, AFullClientPausesItsStreamAndLosesNothing) {
  open_modern();
  FakeExchange& exchange = start(slow);
  exchange.feed(notes(exchange, 0, 10));
  EXPECT_EQ(slow.told, 1);
  EXPECT_TRUE(exchange.is_paused);
  slow.read(4);
  EXPECT_EQ(slow.told, 5);
  EXPECT_TRUE(exchange.is_paused) << "full again";
  slow.read(100);
  EXPECT_EQ(slow.told, 10);
  EXPECT_FALSE(exchange.is_paused);
  EXPECT_EQ(slow.observer, nullptr);
  exchange.feed(result(exchange));
  loop.run_until_idle();
  EXPECT_EQ(outcome(), Outcome::kOk);
}

TEST_F(HttpBackPressureTest, OtherCallsGoOn) {
  open_modern();
  FakeExchange& exchange = start(slow);
  exchange.feed(notes(exchange, 0, 2));
  ASSERT_TRUE(exchange.is_paused);
  HttpTestCall* const paused = made_call_;
  other.room = 10;
  FakeExchange& others = start(other);
  others.feed(note(others, 1));
  others.feed(result(others));
  loop.run_until_idle();
  EXPECT_EQ(outcome(), Outcome::kOk);
  EXPECT_FALSE(paused->is_done());
  exchange.feed(result(exchange));
  slow.read(10);
  loop.run_until_idle();
  EXPECT_EQ(outcome_of(*paused), Outcome::kOk);
}

TEST_F(HttpBackPressureTest, WhatComesToAFullClientWaitsToo) {
  open_modern();
  slow.room = 0;
  FakeExchange& exchange = start(slow);
  exchange.feed(note(exchange, 1));
  EXPECT_EQ(slow.told, 0);
  EXPECT_TRUE(exchange.is_paused);
  slow.read(1);
  EXPECT_EQ(slow.told, 1);
}

TEST_F(HttpBackPressureTest, AStreamThatEndsMeanwhileIsReadToItsEnd) {
  open_modern();
  FakeExchange& exchange = start(slow);
  exchange.feed(notes(exchange, 0, 3) + result(exchange));
  exchange.finish();
  loop.run_until_idle();
  EXPECT_FALSE(made_call_->is_done());
  slow.read(10);
  loop.run_until_idle();
  EXPECT_EQ(outcome(), Outcome::kOk);
  EXPECT_EQ(slow.told, 3);
}

TEST_F(HttpBackPressureTest, AClientThatIsNeverReadyHearsOfItsAnswerAllTheSame) {
  open_modern();
  slow.room = 0;
  FakeExchange& exchange = start(slow);
  exchange.feed(notes(exchange, 0, 3) + result(exchange));
  EXPECT_FALSE(made_call_->is_done());
  loop.advance_ns(kNanosecondsPerSecond);
  EXPECT_EQ(outcome(), Outcome::kOk);
}

TEST_F(HttpBackPressureTest, TheClientsSilenceIsNotTheServers) {
  open_modern();
  FakeExchange& exchange = start(slow, {.inactivity_ns = 5 * kNanosecondsPerSecond});
  slow.room = 0;
  // Each second a piece is read on, which fills the client again.
  for (int second = 0; second < 20; ++second) {
    exchange.feed(": nothing\n\n");
    loop.advance_ns(kNanosecondsPerSecond);
  }
  EXPECT_FALSE(made_call_->is_done());
  slow.read(10);
  loop.advance_ns(5 * kNanosecondsPerSecond);
  EXPECT_EQ(outcome(), Outcome::kUnknown);
}

TEST_F(HttpBackPressureTest, ACallThatEndsWhileItIsHeldLetsGoOfItsClient) {
  open_modern();
  FakeExchange& exchange = start(slow);
  exchange.feed(notes(exchange, 0, 2));
  ASSERT_NE(slow.observer, nullptr);
  made_call_->scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  EXPECT_EQ(outcome(), Outcome::kCancelled);
  EXPECT_EQ(slow.observer, nullptr);
  EXPECT_TRUE(exchange.is_given_up);
}

TEST_F(HttpBackPressureTest, AnAnswerInOnePieceNeedsNoRoom) {
  open_modern();
  slow.room = 0;
  made_call_ = &call("tools/call", R"({"name":"x"})", {.progress = &slow});
  answer("{}");
  EXPECT_EQ(outcome(), Outcome::kOk);
}

}  // namespace
}  // namespace mcpwire::io
