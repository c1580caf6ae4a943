// SPDX-License-Identifier: MIT
//
// TransportConformance: a transport of each kind, opened with a server of the test's making.
//
// Threading: one thread.
#pragma once

#include "io/scope.hpp"
#include "tests/io/conformance/transport_under_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

/// One request of a test and what became of it.
struct ConformanceCall {
  CancelScope scope;
  std::optional<RpcReply> reply;
};

class TransportConformance : public testing::TestWithParam<TransportUnderTestKind>,
                             protected McpTransport::CloseObserver,
                             protected McpTransport::MessageObserver {
 protected:
  static constexpr std::uint64_t kShortNs = 20 * kNanosecondsPerMillisecond;
  static constexpr std::string_view kInitializeResult =
      R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},)"
      R"("serverInfo":{"name":"demo","version":"3"},"instructions":"be kind"})";

  void SetUp() override { create({}); }
  void TearDown() override {
    if (work_ == nullptr) return;
    if (close_count_ == 0) close();
    EXPECT_EQ(work_->running(), 0U) << "something still waits after close()";
    EXPECT_TRUE(peer->is_rid_of_us());
    EXPECT_FALSE(transport().is_open());
  }

  void create(const TransportLimits& limits) {
    work_.reset();
    peer = GetParam().create(limits);
    work_ = std::make_unique<Scope>(peer->loop());
    transport().observe_close(*this);
    transport().observe_messages(*this);
  }
  McpTransport& transport() { return peer->transport(); }

  /// Runs until `done`: what takes time gets it.
  void until(const std::function<bool()>& done) {
    constexpr int kStepsMax = 6000;
    for (int step = 0; step < kStepsMax; ++step) {
      peer->settle();
      if (done()) return;
      peer->pass(10 * kNanosecondsPerMillisecond);
    }
    FAIL() << "it never comes";
  }

  // --- Opening ---

  void start_open(std::uint64_t deadline_ns = kNever) {
    work_->spawn(keep_open(&transport(), &open_scope, deadline_ns, &opened));
    peer->settle();
  }
  /// The next message that arrives.
  Sent next() {
    until([this] {
      for (Sent& sent : peer->take_sent()) arrived_.push_back(std::move(sent));
      return !arrived_.empty();
    });
    if (arrived_.empty()) return {};
    Sent first = std::move(arrived_.front());
    arrived_.pop_front();
    return first;
  }
  /// All that has arrived by now.
  std::vector<Sent> rest() {
    peer->settle();
    for (Sent& sent : peer->take_sent()) arrived_.push_back(std::move(sent));
    std::vector<Sent> all(std::make_move_iterator(arrived_.begin()),
                          std::make_move_iterator(arrived_.end()));
    arrived_.clear();
    return all;
  }
  void open() {
    start_open();
    const Sent initialize = next();
    ASSERT_EQ(initialize.method, "initialize");
    answer(initialize, kInitializeResult);
    ASSERT_EQ(next().method, "notifications/initialized");
    until([this] { return opened.has_value(); });
    ASSERT_TRUE(opened->has_value()) << opened->error().message();
    ASSERT_TRUE(transport().is_open());
    peer->settle();
  }

  // --- Calling ---

  ConformanceCall& call(std::string method, std::string params = {}, RequestOptions options = {}) {
    ConformanceCall& made = calls_.emplace_back();
    if (options.scope == nullptr) options.scope = &made.scope;
    work_->spawn(
        keep_reply(&transport(), std::move(method), std::move(params), options, &made.reply));
    peer->settle();
    return made;
  }
  void answer(const Sent& request, std::string_view result) {
    peer->say(request, R"({"jsonrpc":"2.0","id":)" + request.id + R"(,"result":)" +
                           std::string(result) + "}");
    peer->settle();
  }
  const RpcReply& end_of(ConformanceCall& made) {
    until([&made] { return made.reply.has_value(); });
    static const RpcReply kNone;
    return made.reply.has_value() ? *made.reply : kNone;
  }
  void expect_outcome(ConformanceCall& made, protocol::Outcome outcome, bool may_have_been_sent) {
    const RpcReply& reply = end_of(made);
    EXPECT_EQ(reply.outcome, outcome)
        << protocol::outcome_name(reply.outcome) << ": " << reply.error.message();
    EXPECT_EQ(reply.may_have_been_sent, may_have_been_sent);
  }
  void expect_ok(ConformanceCall& made, std::string_view result) {
    const RpcReply& reply = end_of(made);
    ASSERT_EQ(reply.outcome, protocol::Outcome::kOk) << reply.error.message();
    EXPECT_EQ(std::string_view(reply.body), result);
  }
  /// The server takes nothing more, and what it would take by itself is full: the first call from
  /// here on is on its way, every later one waits.
  ConformanceCall& clog() {
    peer->stop_reading();
    constexpr std::size_t kMoreThanAnySocketHolds = std::size_t{4} << 20;
    return call("clog", R"({"text":")" + std::string(kMoreThanAnySocketHolds, 'x') + "\"}");
  }
  /// True if a request of that method has arrived by now.
  bool has_arrived(std::string_view method) {
    const std::vector<Sent> sent = rest();
    return std::ranges::any_of(sent, [&](const Sent& one) { return one.method == method; });
  }

  // --- Ending ---

  void close() {
    bool is_closed = false;
    work_->spawn(keep_close(&transport(), &is_closed));
    until([&is_closed] { return is_closed; });
    ++close_count_;
  }

  void on_transport_closed(const Error& why) override { closed_with.push_back(why.message()); }
  void on_notification(std::string_view method, std::string_view params) override {
    notifications.push_back(std::string(method) + " " + std::string(params));
  }
  void on_junk_line(std::string_view line) override { junk.emplace_back(line); }

  std::unique_ptr<TransportUnderTest> peer;
  CancelScope open_scope;
  std::optional<Result<void>> opened;
  std::vector<std::string> closed_with;
  std::vector<std::string> notifications;
  std::vector<std::string> junk;

 private:
  static task<Result<void>> keep_open(McpTransport* transport, CancelScope* cancel,
                                      std::uint64_t deadline_ns,
                                      std::optional<Result<void>>* result) {
    *result = co_await transport->open(*cancel, deadline_ns);
    co_return Result<void>{};
  }
  static task<Result<void>> keep_reply(McpTransport* transport, std::string method,
                                       std::string params, RequestOptions options,
                                       std::optional<RpcReply>* reply) {
    *reply = co_await transport->request(method, params, options);
    co_return Result<void>{};
  }
  static task<Result<void>> keep_close(McpTransport* transport, bool* is_closed) {
    co_await transport->close();
    *is_closed = true;
    co_return Result<void>{};
  }

  std::deque<Sent> arrived_;
  std::deque<ConformanceCall> calls_;
  int close_count_ = 0;
  std::unique_ptr<Scope> work_;  ///< Ends before the peer.
};

}  // namespace mcpwire::io
