// SPDX-License-Identifier: MIT
//
// What the tests of StreamableHttpTransport share: a transport on a fake network and a virtual
// clock.
#pragma once

#include "io/http/streamable_http_transport.hpp"
#include "io/scope.hpp"
#include "tests/io/http/fake_http_client.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::io {

struct HttpTestCall {
  CancelScope scope;
  std::optional<RpcReply> reply;
  bool is_done() const noexcept { return reply.has_value(); }
};

class FakeVerdicts final : public EraVerdicts {
 public:
  std::optional<EraVerdict> find(std::string_view identity) override {
    const auto found = kept.find(identity);
    return found == kept.end() ? std::nullopt : std::optional(found->second);
  }
  void keep(std::string_view identity, EraVerdict verdict) override {
    kept[std::string(identity)] = verdict;
  }
  void forget(std::string_view identity) override { kept.erase(std::string(identity)); }
  std::map<std::string, EraVerdict, std::less<>> kept;
};

class HttpTransportTest : public testing::Test,
                          protected McpTransport::CloseObserver,
                          protected McpTransport::MessageObserver {
 protected:
  static constexpr std::string_view kUrl = "http://server.test/mcp";
  static constexpr std::string_view kJson = "application/json";
  static constexpr std::string_view kInitializeResult =
      R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},)"
      R"("serverInfo":{"name":"demo","version":"3"}})";
  static constexpr std::string_view kDiscoverResult =
      R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},)"
      R"("ttlMs":0,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":)"
      R"({"name":"new","version":"9"}}})";

  void TearDown() override {
    if (transport == nullptr) return;
    bool is_closed = false;
    scope.spawn(keep_close(transport.get(), &is_closed));
    loop.advance_ns(60 * kNanosecondsPerSecond);
    ASSERT_TRUE(is_closed);
    ASSERT_EQ(scope.running(), 0U) << "something still waits after close()";
    transport.reset();
    for (const FakeExchange& exchange : client.exchanges) {
      EXPECT_FALSE(exchange.is_live()) << exchange.body();
    }
  }

  void create(StreamableHttpOptions options = {}) {
    if (options.endpoint.url.empty()) options.endpoint.url = kUrl;
    options.identity = "id";
    transport = std::make_unique<StreamableHttpTransport>(loop, client, codec, std::move(options));
    transport->observe_close(*this);
    transport->observe_messages(*this);
  }
  void start_open(std::uint64_t deadline_ns = kNever) {
    scope.spawn(keep_open(transport.get(), &open_scope, deadline_ns, &opened));
    loop.run_until_idle();
  }

  /// The last request that was made, and how many before it.
  FakeExchange& last() { return client.exchanges.back(); }
  FakeExchange& at(std::size_t index) { return client.exchanges.at(index); }
  std::size_t made() const noexcept { return client.exchanges.size(); }

  /// A JSON-RPC answer to the last request, or to `exchange`.
  void answer(std::string_view result, std::string_view headers = {}) {
    answer(last(), result, headers);
  }
  void answer(FakeExchange& exchange, std::string_view result, std::string_view headers = {}) {
    reply(
        exchange, 200,
        R"({"jsonrpc":"2.0","id":)" + id_of(exchange) + R"(,"result":)" + std::string(result) + "}",
        headers);
  }
  void answer_error(FakeExchange& exchange, int status, std::string_view error) {
    reply(
        exchange, status,
        R"({"jsonrpc":"2.0","id":)" + id_of(exchange) + R"(,"error":)" + std::string(error) + "}");
  }
  void reply(FakeExchange& exchange, int status, std::string_view body,
             std::string_view headers = {}) {
    ASSERT_TRUE(exchange.go_out());
    exchange.head(status, body.empty() ? "" : kJson, headers);
    exchange.feed(body);
    exchange.finish();
    loop.run_until_idle();
  }
  /// The raw id of the request in an exchange.
  static std::string id_of(const FakeExchange& exchange) {
    const std::string body = exchange.body();
    const std::size_t begin = body.find("\"id\":") + 5;
    return body.substr(begin, body.find_first_of(",}", begin) - begin);
  }

  void open_modern(StreamableHttpOptions options = {}) {
    create(std::move(options));
    start_open();
    answer(kDiscoverResult);
    expect_open();
  }
  /// With a session; its GET stream is refused.
  void open_legacy(StreamableHttpOptions options = {},
                   std::string_view result = kInitializeResult) {
    options.pinned_era = protocol::mcp::Era::kLegacy;
    create(std::move(options));
    start_open();
    answer(result, "Mcp-Session-Id: one\r\n");
    reply(last(), 202, "");
    expect_open();
    if (last().request.method == HttpMethod::kGet) reply(last(), 405, "");
  }
  void expect_open() {
    ASSERT_TRUE(opened.has_value());
    ASSERT_TRUE(opened->has_value()) << opened->error().message();
  }
  std::string open_failure() {
    EXPECT_TRUE(opened.has_value());
    if (!opened.has_value() || opened->has_value()) return "(it is open)";
    return opened->error().message();
  }

  HttpTestCall& call(std::string method, std::string params = {}, RequestOptions options = {}) {
    HttpTestCall& made = calls.emplace_back();
    if (options.scope == nullptr) options.scope = &made.scope;
    scope.spawn(
        keep_reply(transport.get(), std::move(method), std::move(params), options, &made.reply));
    loop.run_until_idle();
    return made;
  }
  static protocol::Outcome outcome_of(const HttpTestCall& made) {
    return made.is_done() ? made.reply->outcome : protocol::Outcome::kNone;
  }

  void on_transport_closed(const Error& why) override { closed_with.push_back(why.message()); }
  void on_notification(std::string_view method, std::string_view params) override {
    notifications.push_back(std::string(method) + " " + std::string(params));
  }
  void on_junk_line(std::string_view line) override { junk.emplace_back(line); }

  test_support::FakeEventLoop loop;
  FakeHttpClient client;
  RpcCodec codec;
  CancelScope open_scope;
  std::deque<HttpTestCall> calls;
  std::optional<Result<void>> opened;
  std::vector<std::string> closed_with;
  std::vector<std::string> notifications;
  std::vector<std::string> junk;
  std::unique_ptr<StreamableHttpTransport> transport;
  Scope scope{loop};

 private:
  static task<Result<void>> keep_open(StreamableHttpTransport* transport, CancelScope* cancel,
                                      std::uint64_t deadline_ns,
                                      std::optional<Result<void>>* result) {
    *result = co_await transport->open(*cancel, deadline_ns);
    co_return Result<void>{};
  }
  static task<Result<void>> keep_reply(StreamableHttpTransport* transport, std::string method,
                                       std::string params, RequestOptions options,
                                       std::optional<RpcReply>* reply) {
    *reply = co_await transport->request(method, params, options);
    co_return Result<void>{};
  }
  static task<Result<void>> keep_close(StreamableHttpTransport* transport, bool* is_closed) {
    co_await transport->close();
    *is_closed = true;
    co_return Result<void>{};
  }
};

}  // namespace mcpwire::io
