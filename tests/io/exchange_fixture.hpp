// SPDX-License-Identifier: MIT
//
// ExchangeTest: one request of a client to a fake server, and the client's answers to what it asks.
#pragma once

#include "io/mcp/exchange.hpp"
#include "io/mcp/task_news.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_mcp_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {

class ExchangeTest : public testing::Test, protected ServerRequestSink {
 protected:
  using Revision = protocol::mcp::Revision;
  using Outcome = protocol::Outcome;
  static constexpr std::uint64_t kSecond = kNanosecondsPerSecond;

  explicit ExchangeTest(Revision revision) {
    server.info.revision = revision;
    test_support::BackgroundTask<Result<void>> opened(loop, server.open(scope, kNever));
    EXPECT_TRUE(opened.has_ended());
  }

  void on_server_request(std::unique_ptr<ServerRequest> question) override {
    asked.push_back(std::string(question->method()) + " " + std::string(question->params()));
    questions.push_back(std::move(question));
  }

  void start(std::string with_method, std::string with_params) {
    method = std::move(with_method);
    params = std::move(with_params);
    options.scope = &scope;
    options.server_requests = this;
    options.task_news = &news;
    running = std::make_unique<test_support::BackgroundTask<RpcReply>>(
        loop, exchange(loop, server, method, params, options));
    loop.run_until_idle();
  }
  void answer(std::string result, ResultType type = ResultType::kComplete) {
    ASSERT_EQ(server.waiting(), 1U);
    server.answer(0, RpcReply{Outcome::kOk, std::move(result), {}, true, type});
    loop.run_until_idle();
  }
  void advance(std::uint64_t ns) { loop.advance_ns(ns); }
  std::string sent_params() { return server.waiting() == 1 ? server.waiting_params(0) : "none"; }
  std::string sent_method() { return server.waiting() == 1 ? server.waiting_method(0) : "none"; }
  RpcReply& reply() { return running->value(); }

  test_support::FakeEventLoop loop;
  CancelScope scope;
  TaskNews news;
  test_support::FakeMcpTransport server{loop};
  RequestOptions options;
  std::string method, params;
  std::vector<std::string> asked;
  std::vector<std::unique_ptr<ServerRequest>> questions;
  std::unique_ptr<test_support::BackgroundTask<RpcReply>> running;
};

}  // namespace mcpwire::io
