// SPDX-License-Identifier: MIT
#include "io/http/curl_client.hpp"

#include "io/http/header_codec.hpp"
#include "io/loop.hpp"
#include "io/signal_watcher.hpp"
#include "tests/io/http/script_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mcpwire::io {
namespace {

/// What one request of a test was told.
struct Told final : HttpSink {
  bool may_send() override {
    ++asked;
    return allow;
  }
  void on_head(const HttpHead& told) override {
    head = told;
    ++heads;
    if (gives_up_at_head) exchange.reset();
  }
  void on_body(std::string_view bytes) override {
    body += bytes;
    if (pauses_after != 0 && body.size() >= pauses_after) exchange->pause();
  }
  void on_end(const HttpEnd& told) override {
    EXPECT_FALSE(end.has_value()) << "told twice";
    end = told;
    exchange.reset();
  }
  bool is_ok() const { return end.has_value() && !end->error.has_value(); }
  std::string why() const {
    return end.has_value() && end->error.has_value() ? end->error->message() : "(no error)";
  }

  std::unique_ptr<HttpExchange> exchange;
  HttpHead head;
  std::string body;
  std::optional<HttpEnd> end;
  bool allow = true;
  bool gives_up_at_head = false;
  std::size_t pauses_after = 0;
  int asked = 0;
  int heads = 0;
};

class CurlClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ignore_write_signals();
    loop_ = Loop::create().value();
    make_client({});
  }
  void make_client(CurlClientOptions options) {
    client_.reset();
    client_ = CurlClient::create(*loop_, options).value();
  }
  void start(Told& told, HttpRequest request) {
    told.exchange = client_->start(std::move(request), told);
  }
  void run_until(auto&& done) {
    while (!done()) loop_->run_once(kNever);
  }
  void finish(Told& told) {
    run_until([&] { return told.end.has_value(); });
  }
  static HttpRequest post(std::string url, std::string body = "{}",
                          HttpRepeat repeat = HttpRepeat::kNever) {
    HttpRequest request;
    request.url = std::move(url);
    request.body = std::make_shared<const std::string>(std::move(body));
    request.repeat = repeat;
    return request;
  }
  static HttpRequest get(std::string url) {
    HttpRequest request;
    request.method = HttpMethod::kGet;
    request.url = std::move(url);
    return request;
  }

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<CurlClient> client_;
};

TEST_F(CurlClientTest, SendsHeadersAndBodyAndTellsTheAnswer) {
  ScriptRequest seen;
  ScriptServer server([&](ScriptConnection& peer) {
    seen = peer.read_request();
    peer.answer(201, "application/json", "{\"a\":1}", "Mcp-Session-Id: x1\r\n");
  });
  Told told;
  HttpRequest request = post(server.url(), "{\"b\":2}");
  request.headers = {header_line("Content-Type", "application/json"), header_line("X-Empty", "")};
  start(told, std::move(request));
  finish(told);
  EXPECT_TRUE(told.is_ok()) << told.why();
  EXPECT_EQ(told.head.status, 201);
  EXPECT_EQ(told.head.find("mcp-session-id"), "x1");
  EXPECT_EQ(told.body, "{\"a\":1}");
  EXPECT_EQ(told.asked, 1);
  EXPECT_TRUE(seen.is("POST /mcp HTTP/1.1\r\n"));
  EXPECT_EQ(seen.body, "{\"b\":2}");
  EXPECT_EQ(seen.header("Content-Type"), "application/json");
  EXPECT_EQ(seen.header("X-Empty"), "");
  EXPECT_EQ(seen.header("Expect"), "(none)");
}

TEST_F(CurlClientTest, KeepsTheConnectionForTheNextRequest) {
  ScriptServer server([](ScriptConnection& peer) {
    while (peer.read_request()) peer.json("1");
  });
  for (int round = 0; round < 3; ++round) {
    Told told;
    start(told, post(server.url()));
    finish(told);
    EXPECT_TRUE(told.is_ok()) << told.why();
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(CurlClientTest, RequestsSideBySideHaveConnectionsOfTheirOwn) {
  std::atomic<int> waiting{0};
  ScriptServer server([&](ScriptConnection& peer) {
    peer.read_request();
    ++waiting;
    while (waiting.load() < 3) std::this_thread::yield();
    peer.json("1");
  });
  Told told[3];
  for (Told& one : told) start(one, post(server.url()));
  for (Told& one : told) finish(one);
  for (Told& one : told) EXPECT_TRUE(one.is_ok()) << one.why();
}

TEST_F(CurlClientTest, AConnectionThatTheServerHasClosedIsNotUsedAgain) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.read_request();
    peer.json("1");
  });
  Told first;
  start(first, post(server.url()));
  finish(first);
  while (server.closed() == 0) std::this_thread::yield();
  Told second;
  start(second, post(server.url()));
  finish(second);
  EXPECT_TRUE(second.is_ok()) << second.why();
  EXPECT_EQ(second.asked, 1);
  EXPECT_EQ(server.accepted(), 2);
}

/// The server reads the second request and closes: whether it ran, nobody knows.
void close_on_second_request(ScriptConnection& peer) {
  peer.read_request();
  peer.json("1");
  if (peer.index() > 0) return;
  peer.read_request();
}

TEST_F(CurlClientTest, WhatMustNotBeRepeatedIsNotRepeatedWhereAKeptConnectionDies) {
  ScriptServer server(close_on_second_request);
  Told first;
  start(first, post(server.url()));
  finish(first);
  Told second;
  start(second, post(server.url()));
  finish(second);
  ASSERT_TRUE(second.end->error.has_value());
  EXPECT_TRUE(second.end->may_have_been_sent);
  EXPECT_EQ(second.asked, 1);
  EXPECT_EQ(second.heads, 0);
}

TEST_F(CurlClientTest, AServerThatDiesOverARequestMayHaveGotIt) {
  const ScriptServer* self = nullptr;
  ScriptServer server([&self](ScriptConnection& peer) {
    peer.read_request();
    peer.json("1");
    peer.read_request();
    self->stop_listening();
  });
  self = &server;
  Told first;
  start(first, post(server.url()));
  finish(first);
  Told second;
  start(second, post(server.url()));
  finish(second);
  ASSERT_TRUE(second.end->error.has_value());
  EXPECT_TRUE(second.end->may_have_been_sent) << second.why();
}

TEST_F(CurlClientTest, WhatMayBeRepeatedIsRepeatedThere) {
  ScriptServer server(close_on_second_request);
  Told first;
  start(first, post(server.url(), "{}", HttpRepeat::kAllowed));
  finish(first);
  Told second;
  start(second, post(server.url(), "{}", HttpRepeat::kAllowed));
  finish(second);
  EXPECT_TRUE(second.is_ok()) << second.why();
  EXPECT_EQ(second.asked, 1);
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(CurlClientTest, ARefusedConnectionIsNotSent) {
  int port = 0;
  {
    port = ScriptServer([](ScriptConnection&) {}).port();
  }
  Told told;
  start(told, post("http://127.0.0.1:" + std::to_string(port) + "/mcp"));
  finish(told);
  ASSERT_TRUE(told.end->error.has_value());
  EXPECT_FALSE(told.end->may_have_been_sent);
  EXPECT_EQ(told.asked, 0);
  EXPECT_EQ(told.end->error->kind, ErrorKind::kDisconnected);
}

TEST_F(CurlClientTest, AnUnknownNameIsNotSentAndBlocksNobody) {
  Told told;
  start(told, post("http://nobody.invalid/mcp"));
  finish(told);
  ASSERT_TRUE(told.end->error.has_value());
  EXPECT_FALSE(told.end->may_have_been_sent);
}

TEST_F(CurlClientTest, WhatIsNoUrlIsNotSent) {
  for (const char* url :
       {"", "http://", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://a b/"}) {
    Told told;
    start(told, post(url));
    finish(told);
    ASSERT_TRUE(told.end->error.has_value()) << url;
    EXPECT_FALSE(told.end->may_have_been_sent) << url;
  }
}

TEST_F(CurlClientTest, NothingGoesOutIfItMayNotBeSent) {
  std::atomic<bool> got{false};
  ScriptServer server(
      [&](ScriptConnection& peer) { got = static_cast<bool>(peer.read_request()); });
  Told told;
  told.allow = false;
  start(told, post(server.url()));
  finish(told);
  EXPECT_FALSE(told.end->may_have_been_sent);
  EXPECT_FALSE(got.load());
}

TEST_F(CurlClientTest, ConnectionClosedBeforeTheAnswerMayHaveBeenSent) {
  ScriptServer server([](ScriptConnection& peer) { peer.read_request(); });
  Told told;
  start(told, post(server.url()));
  finish(told);
  ASSERT_TRUE(told.end->error.has_value());
  EXPECT_TRUE(told.end->may_have_been_sent);
}

TEST_F(CurlClientTest, RedirectsAreToldAndNotFollowed) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.read_request();
    peer.answer(307, "", "", "Location: /elsewhere\r\n");
  });
  Told told;
  start(told, post(server.url()));
  finish(told);
  EXPECT_TRUE(told.is_ok());
  EXPECT_EQ(told.head.status, 307);
  EXPECT_EQ(told.head.find("location"), "/elsewhere");
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(CurlClientTest, InterimResponsesAreNotTold) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
  });
  Told told;
  start(told, post(server.url()));
  finish(told);
  EXPECT_EQ(told.heads, 1);
  EXPECT_EQ(told.head.status, 200);
  EXPECT_EQ(told.head.find("link"), "");
}

TEST_F(CurlClientTest, HeadersOverTheLimitAreAnError) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.read_request();
    peer.answer(200, "", "1", "X: " + std::string(1000, 'x') + "\r\n");
  });
  Told told;
  HttpRequest request = post(server.url());
  request.header_bytes_max = 1000;
  start(told, std::move(request));
  finish(told);
  ASSERT_TRUE(told.end->error.has_value());
  EXPECT_EQ(told.end->error->code, ErrorCode::kTooLarge);
  EXPECT_EQ(told.heads, 0);
}

TEST_F(CurlClientTest, ACompressedAnswerIsAnError) {
  ScriptServer server([](ScriptConnection& peer) {
    EXPECT_EQ(peer.read_request().header("Accept-Encoding"), "(none)");
    peer.answer(200, "application/json", "xx", "Content-Encoding: gzip\r\n");
  });
  Told told;
  start(told, post(server.url()));
  finish(told);
  ASSERT_TRUE(told.end->error.has_value());
  EXPECT_EQ(told.end->error->code, ErrorCode::kProtocolViolation);
}

TEST_F(CurlClientTest, ABrokenOffBodyIsAnError) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
  });
  Told told;
  start(told, post(server.url()));
  finish(told);
  EXPECT_EQ(told.body, "short");
  EXPECT_TRUE(told.end->error.has_value());
}

TEST_F(CurlClientTest, APausedAnswerSlowsTheServerDownAndGoesOnWhereItStopped) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  std::atomic<std::size_t> sent{0};
  ScriptServer server([&](ScriptConnection& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBytes) + "\r\n\r\n");
    const std::string piece(std::size_t{1} << 20, 'x');
    while (sent < kBytes && peer.send(piece)) sent += piece.size();
  });
  Told told;
  told.pauses_after = 1;
  start(told, get(server.url()));
  run_until([&] { return !told.body.empty(); });
  // Whatever the kernel's buffers hold, it is not all of it.
  for (int turn = 0; turn < 100; ++turn) loop_->run_once(kNanosecondsPerMillisecond);
  EXPECT_LT(told.body.size(), std::size_t{1} << 20);
  EXPECT_LT(sent.load(), kBytes);
  told.pauses_after = 0;
  told.exchange->resume();
  finish(told);
  EXPECT_TRUE(told.is_ok()) << told.why();
  EXPECT_EQ(told.body.size(), kBytes);
}

TEST_F(CurlClientTest, TheProxyIsTheRequestsOwnAndNotThatOfThisProcess) {
  ScriptServer server([](ScriptConnection& peer) {
    const ScriptRequest request = peer.read_request();
    peer.json(request.head.substr(0, request.head.find("\r\n")));
  });
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  Told direct;
  start(direct, post(server.url()));
  finish(direct);
  EXPECT_EQ(direct.body, "POST /mcp HTTP/1.1") << direct.why();
  Told by_proxy;
  HttpRequest request = post("http://elsewhere.test/mcp");
  request.route.proxy = server.url("");
  start(by_proxy, std::move(request));
  finish(by_proxy);
  EXPECT_EQ(by_proxy.body, "POST http://elsewhere.test/mcp HTTP/1.1") << by_proxy.why();
  Told excepted;
  request = post(server.url());
  request.route = {.proxy = "http://127.0.0.1:1", .no_proxy = "127.0.0.1", .ca_file = {}};
  start(excepted, std::move(request));
  finish(excepted);
  EXPECT_EQ(excepted.body, "POST /mcp HTTP/1.1") << excepted.why();
  ::unsetenv("http_proxy");
}

TEST_F(CurlClientTest, GivingARequestUpClosesItsConnection) {
  std::atomic<bool> saw_end{false};
  ScriptServer server([&](ScriptConnection& peer) {
    peer.read_request();
    peer.stream();
    peer.wait_for_end();
    saw_end = true;
  });
  Told told;
  told.gives_up_at_head = true;
  start(told, post(server.url()));
  run_until([&] { return told.heads > 0; });
  // The server's thread does not wake the loop.
  while (!saw_end.load()) loop_->run_once(kNanosecondsPerMillisecond);
  EXPECT_FALSE(told.end.has_value());
}

TEST_F(CurlClientTest, AClientEndsWithRequestsGivenUpAtEveryStage) {
  ScriptServer server([](ScriptConnection& peer) {
    peer.read_request();
    peer.stream();
    peer.wait_for_end();
  });
  for (int turns = 0; turns < 12; ++turns) {
    Told told;
    start(told, post(server.url()));
    for (int turn = 0; turn < turns; ++turn) loop_->run_once(0);
    told.exchange.reset();
    make_client({});
  }
}

TEST(ResolveUrlTest, ResolvesLikeABrowser) {
  EXPECT_EQ(resolve_url("http://h:1/a/sse", "/m?s=1").value(), "http://h:1/m?s=1");
  EXPECT_EQ(resolve_url("http://h:1/a/sse", "m").value(), "http://h:1/a/m");
  EXPECT_EQ(resolve_url("http://h:1/a", "https://o/b").value(), "https://o/b");
  EXPECT_FALSE(resolve_url("http://h:1/a", "http://").has_value());
}

TEST(ResolveUrlTest, AnOriginIsSchemeHostAndPort) {
  EXPECT_TRUE(has_same_origin("http://h/a", "http://H:80/b"));
  EXPECT_FALSE(has_same_origin("http://h/a", "https://h/a"));
  EXPECT_FALSE(has_same_origin("http://h/a", "http://h:81/a"));
  EXPECT_FALSE(has_same_origin("http://h/a", "http://g/a"));
  EXPECT_FALSE(has_same_origin("http://h/a", "http://h@g/a"));
}

}  // namespace
}  // namespace mcpwire::io
