// SPDX-License-Identifier: MIT
//
// Each behaviour of http_behaviours.cpp over real sockets: what the caller sees, and how often the
// server saw the call.
#include "tests/io/http/http_behaviours.hpp"
#include "io/http/curl_client.hpp"
#include "io/loop.hpp"
#include "io/signal_watcher.hpp"
#include "tests/io/http/http_conversation.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

namespace mcpwire::io {
namespace {

using protocol::Outcome;

constexpr std::string_view kDiscovery =
    R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},)"
    R"("ttlMs":0,"cacheScope":"public"})";
constexpr std::string_view kInitialization =
    R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},)"
    R"("serverInfo":{"name":"s","version":"1"}})";

class HttpBehaviourTest : public testing::TestWithParam<std::size_t> {
 protected:
  const HttpBehaviour& row() const { return http_behaviours()[GetParam()]; }

  /// Serves the handshake decently and leaves the call to the row's script.
  void serve(ScriptConnection& peer) {
    for (;;) {
      const ScriptRequest request = peer.read_request();
      if (!request) return;
      const bool is_call = request.body.find("\"tools/call\"") != std::string::npos;
      const bool is_resumption = request.header("Last-Event-ID") != "(none)";
      if (is_call) ++calls_seen_;
      if (is_call || is_resumption) return row().script(peer, request);
      if (!serve_handshake(peer, request) || !row().keeps_connection) return;
    }
  }
  bool serve_handshake(ScriptConnection& peer, const ScriptRequest& request) {
    const std::string_view end =
        row().keeps_connection || row().closes_quietly ? "" : "Connection: close\r\n";
    if (request.body.find("server/discover") != std::string::npos) {
      return row().is_legacy
                 ? peer.answer(404, "", "", end)
                 : peer.answer(200, "application/json", result_for(request, kDiscovery), end);
    }
    if (request.body.find("\"initialize\"") != std::string::npos) {
      const std::string session = "Mcp-Session-Id: s" + std::to_string(++sessions_) + "\r\n";
      return peer.answer(200, "application/json", result_for(request, kInitialization),
                         session + std::string(end));
    }
    return request.is("GET") ? peer.answer(405, "", "", end) : peer.answer(202, "", "", end);
  }

  void run_variant();
  void check(Outcome outcome, const Error& error) const {
    const std::string text = outcome == Outcome::kOk ? "" : error.message();
    EXPECT_EQ(protocol::outcome_name(outcome), protocol::outcome_name(row().outcome)) << text;
    EXPECT_NE(text.find(row().says), std::string::npos) << text;
  }

  std::unique_ptr<Loop> loop_;
  std::atomic<int> calls_seen_{0};
  std::atomic<int> sessions_{0};
  RpcCodec codec_;
};

void HttpBehaviourTest::run_variant() {
  calls_seen_ = 0;
  sessions_ = 0;
  ScriptServer server([this](ScriptConnection& peer) { serve(peer); });
  loop_ = Loop::create().value();
  std::unique_ptr<CurlClient> client = CurlClient::create(*loop_).value();
  StreamableHttpOptions options;
  options.endpoint.url = row().url.empty() ? server.url() : row().url;
  const std::size_t port = options.endpoint.url.find("PORT");
  if (port != std::string::npos) {
    options.endpoint.url.replace(port, 4, std::to_string(server.port()));
  }
  options.limits.message_bytes_max = 64 * 1024;
  options.limits.header_bytes_max = 16 * 1024;
  HttpConversation conversation(*loop_, *client, codec_, std::move(options));
  const Result<void> opened = conversation.open();
  while (row().closes_quietly && server.closed() == 0) std::this_thread::yield();
  if (opened.has_value()) {
    constexpr std::uint64_t kStallNs = 300 * kNanosecondsPerMillisecond;
    const std::uint64_t deadline_ns = row().stalls ? loop_->now_ns() + kStallNs : kNever;
    const RpcReply reply = conversation.call("x", "{}", {.deadline_ns = deadline_ns});
    check(reply.outcome, reply.error);
  } else {
    // Where nothing can be sent the conversation does not begin.
    check(Outcome::kNotSent, opened.error());
  }
  if (!row().runs_twice) {
    EXPECT_LE(calls_seen_.load(), 1);
  }
}

TEST_P(HttpBehaviourTest, EndsAsTheTableSays) {
  ignore_write_signals();
  for (behaviour_variant = 0; behaviour_variant < row().variants; ++behaviour_variant) {
    SCOPED_TRACE(row().name + ", variant " + std::to_string(behaviour_variant));
    run_variant();
  }
}

INSTANTIATE_TEST_SUITE_P(All, HttpBehaviourTest,
                         testing::Range(std::size_t{0}, http_behaviours().size()));

TEST(HttpBehaviourTableTest, TheDocsHaveTheSameRows) {
  std::ifstream file(MCPWIRE_HTTP_BEHAVIOURS);
  std::stringstream text;
  text << file.rdbuf();
  std::size_t rows = 0;
  for (const HttpBehaviour& row : http_behaviours()) {
    const std::string start =
        "| " + row.name + " | `" + std::string(protocol::outcome_name(row.outcome)) + "` |";
    EXPECT_NE(text.str().find(start), std::string::npos) << start;
    ++rows;
  }
  EXPECT_GE(rows, 36U);
  const std::string all = text.str().substr(0, text.str().find("## HTTP/2"));
  std::size_t written = 0;
  for (std::size_t at = all.find("\n| "); at != all.npos; at = all.find("\n| ", at + 1)) ++written;
  EXPECT_EQ(written, rows + 1) << "one row is the head";
}

}  // namespace
}  // namespace mcpwire::io
