// SPDX-License-Identifier: MIT
//
// What the tests of StdioTransport share: a transport on a fake process and a virtual clock.
#pragma once

#include "io/scope.hpp"
#include "io/stdio_transport.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_process_spawner.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::io {

/// One request of a test and what became of it.
struct TestCall {
  CancelScope scope;
  std::optional<RpcReply> reply;
  bool is_done() const noexcept { return reply.has_value(); }
};

class TestSendObserver final : public SendObserver {
 public:
  bool may_send() override {
    ++asked;
    return allow;
  }
  void on_sent() override { ++sent; }
  bool allow = true;
  int asked = 0;
  int sent = 0;
};

class TestProgress final : public ProgressSink {
 public:
  void on_progress(std::string_view params) override { seen.emplace_back(params); }
  std::vector<std::string> seen;
};

class StdioTransportTest : public testing::Test,
                           protected McpTransport::CloseObserver,
                           protected McpTransport::MessageObserver {
 protected:
  static constexpr std::string_view kInitializeLine =
      R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
      R"("capabilities":{"elicitation":{"form":{},"url":{}},"roots":{},"sampling":{"tools":{}}},)"
      R"("clientInfo":{"name":"mcpwire","version":"0.1.0"}}})"
      "\n";

  void TearDown() override {
    if (transport == nullptr) return;
    scope.spawn(keep_close(transport.get()));
    loop.advance_ns(60 * kNanosecondsPerSecond);
    ASSERT_EQ(scope.running(), 0U) << "something still waits after close()";
    transport.reset();
    if (spawner.spawned() > 0) {
      for (std::size_t i = 0; i < spawner.spawned(); ++i) {
        EXPECT_TRUE(spawner.child(i).is_destroyed) << i;
      }
    }
  }

  void create(StdioTransportOptions options = {}) {
    options.server.program = "/bin/server";
    if (!probes) options.negotiation.pinned_era = protocol::mcp::Era::kLegacy;
    transport = std::make_unique<StdioTransport>(loop, spawner, codec, std::move(options));
    transport->observe_close(*this);
    transport->observe_messages(*this);
  }

  void start_open(std::uint64_t deadline_ns = kNever) {
    scope.spawn(keep_open(transport.get(), &open_scope, deadline_ns, &opened));
    loop.run_until_idle();
  }

  void answer_initialize(std::string_view revision = "2025-11-25") {
    feed(R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":")" + std::string(revision) +
         R"(","capabilities":{"tools":{}},"serverInfo":{"name":"demo","version":"3"},)" +
         R"("instructions":"be kind"}})");
  }

  /// A transport whose handshake is done and whose written bytes were taken.
  void open(StdioTransportOptions options = {}, std::string_view revision = "2025-11-25") {
    create(std::move(options));
    start_open();
    answer_initialize(revision);
    ASSERT_TRUE(opened.has_value());
    ASSERT_TRUE(opened->has_value()) << opened->error().message();
    written();
  }

  TestCall& call(std::string method, std::string params = {}, RequestOptions options = {}) {
    TestCall& made = calls.emplace_back();
    if (options.scope == nullptr) options.scope = &made.scope;
    scope.spawn(
        keep_reply(transport.get(), std::move(method), std::move(params), options, &made.reply));
    loop.run_until_idle();
    return made;
  }

  /// One line from the server.
  void feed(std::string_view line) { feed_bytes(std::string(line) + "\n"); }
  void feed_bytes(std::string_view bytes) {
    child().output.feed(bytes);
    loop.run_until_idle();
  }
  void answer(int id, std::string_view result) {
    feed(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"result":)" + std::string(result) +
         "}");
  }
  std::string written() { return child().input.take_written(); }
  test_support::FakeChild& child() { return spawner.child(process); }

  void on_transport_closed(const Error& why) override { closed_with.push_back(why.message()); }
  void on_notification(std::string_view method, std::string_view params) override {
    notifications.push_back(std::string(method) + " " + std::string(params));
  }
  void on_junk_line(std::string_view line) override { junk.emplace_back(line); }

  std::size_t process = 0;  ///< Which of those that were started is meant.
  bool probes = false;      ///< Else every server is known to be legacy.
  test_support::FakeEventLoop loop;
  test_support::FakeProcessSpawner spawner{loop};
  RpcCodec codec;
  CancelScope open_scope;
  std::deque<TestCall> calls;
  std::optional<Result<void>> opened;
  std::vector<std::string> closed_with;
  std::vector<std::string> notifications;
  std::vector<std::string> junk;
  std::unique_ptr<StdioTransport> transport;
  Scope scope{loop};

 private:
  static task<Result<void>> keep_open(StdioTransport* transport, CancelScope* cancel,
                                      std::uint64_t deadline_ns,
                                      std::optional<Result<void>>* result) {
    *result = co_await transport->open(*cancel, deadline_ns);
    co_return Result<void>{};
  }
  static task<Result<void>> keep_reply(StdioTransport* transport, std::string method,
                                       std::string params, RequestOptions options,
                                       std::optional<RpcReply>* reply) {
    *reply = co_await transport->request(method, params, options);
    co_return Result<void>{};
  }
  static task<Result<void>> keep_close(StdioTransport* transport) {
    co_await transport->close();
    co_return Result<void>{};
  }
};

}  // namespace mcpwire::io
