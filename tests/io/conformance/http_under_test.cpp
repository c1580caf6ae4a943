// SPDX-License-Identifier: MIT
//
// StreamableHttpTransport with a network of the test's making, on a virtual clock: a server with
// sessions, whose answers are bodies, or streams where something else comes first.
#include "io/http/streamable_http_transport.hpp"
#include "tests/io/conformance/transport_under_test.hpp"
#include "tests/io/http/fake_http_client.hpp"
#include "tests/support/fake_event_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace mcpwire::io {
namespace {

class HttpUnderTest final : public TransportUnderTest {
 public:
  explicit HttpUnderTest(const TransportLimits& limits)
      : transport_(loop_, client_, codec_, options(limits)) {}

  EventLoop& loop() override { return loop_; }
  McpTransport& transport() override { return transport_; }
  void settle() override {
    do {
      loop_.run_until_idle();
    } while (move_one());
  }
  void pass(std::uint64_t ns) override {
    settle();
    loop_.advance_ns(ns);
    settle();
  }

  std::vector<Sent> take_sent() override { return std::exchange(arrived_, {}); }

  void say(const Sent& about, std::string_view message) override {
    FakeExchange& exchange = client_.exchanges.at(about.way);
    Way& way = ways_.at(about.way);
    const bool is_answer = read(std::string(message)).method.empty();
    if (is_answer && !way.is_stream) {
      const bool is_handshake = about.method == "initialize";
      exchange.head(200, "application/json", is_handshake ? "Mcp-Session-Id: one\r\n" : "");
      feed(exchange, std::string(message));
      return exchange.finish();
    }
    if (!std::exchange(way.is_stream, true)) exchange.stream();
    feed(exchange, event_of(message));
    if (is_answer) exchange.finish();
  }
  void say(std::string_view message) override {
    ASSERT_NE(standing_, nullptr) << "no stream is open for what is said unasked";
    feed(*standing_, event_of(message));
  }
  void say_in_pieces(std::size_t bytes) override { piece_bytes_ = bytes; }
  void stop_reading() override { is_reading_ = false; }
  void read_on() override { is_reading_ = true; }
  void be_absent() override { is_absent_ = true; }
  void cut() override {
    is_absent_ = true;
    for (std::size_t at = 0; at < ways_.size(); ++at) {
      client_.exchanges[at].fail(ErrorKind::kDisconnected, ways_[at].has_gone_out);
    }
  }
  bool is_rid_of_us() override {
    return std::ranges::none_of(client_.exchanges, &FakeExchange::is_live);
  }

 private:
  struct Way {
    bool has_gone_out = false;
    bool is_stream = false;
  };

  static StreamableHttpOptions options(const TransportLimits& limits) {
    StreamableHttpOptions options;
    options.identity = "id";
    options.endpoint.url = "http://server.test/mcp";
    options.limits = limits;
    options.pinned_era = protocol::mcp::Era::kLegacy;
    return options;
  }
  static std::string event_of(std::string_view message) {
    return "data: " + std::string(message) + "\n\n";
  }
  void feed(FakeExchange& exchange, const std::string& bytes) const {
    for (std::size_t at = 0; at < bytes.size(); at += piece_bytes_) {
      exchange.feed(std::string_view(bytes).substr(at, piece_bytes_));
    }
  }

  /// The network: the next request that waits reaches the server. False: none does.
  bool move_one() {
    ways_.resize(client_.exchanges.size());
    for (std::size_t at = 0; at < ways_.size(); ++at) {
      FakeExchange& exchange = client_.exchanges[at];
      if (ways_[at].has_gone_out || !exchange.is_live()) continue;
      if (is_absent_) {
        exchange.fail(ErrorKind::kDisconnected, false);
        return true;
      }
      if (!is_reading_) continue;
      ways_[at].has_gone_out = true;
      if (exchange.go_out()) {
        arrive(exchange, at);
      } else {
        exchange.fail(ErrorKind::kCancelled, false);
      }
      return true;
    }
    return false;
  }
  void arrive(FakeExchange& exchange, std::size_t at) {
    if (exchange.request.method == HttpMethod::kGet) {
      standing_ = &exchange;
      return exchange.stream();
    }
    if (exchange.request.method == HttpMethod::kDelete) {
      exchange.head(200, "");
      return exchange.finish();
    }
    Sent sent = read(exchange.body(), at);
    const bool wants_answer = !sent.id.empty() && !sent.method.empty();
    arrived_.push_back(std::move(sent));
    if (wants_answer) return;
    exchange.head(202, "");
    exchange.finish();
  }

  test_support::FakeEventLoop loop_;
  FakeHttpClient client_;
  RpcCodec codec_;
  StreamableHttpTransport transport_;
  std::deque<Way> ways_;  ///< As the client's exchanges.
  std::vector<Sent> arrived_;
  FakeExchange* standing_ = nullptr;
  std::size_t piece_bytes_ = std::string::npos;
  bool is_reading_ = true;
  bool is_absent_ = false;
};

}  // namespace

std::unique_ptr<TransportUnderTest> http_under_test(const TransportLimits& limits) {
  return std::make_unique<HttpUnderTest>(limits);
}

}  // namespace mcpwire::io
