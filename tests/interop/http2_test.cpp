// SPDX-License-Identifier: MIT
//
// HTTP/2 over TLS against node's own implementation: that it is spoken where it is offered, what a
// call ends as that a server does something to, and which certificates are not believed.
#include "io/http/curl_client.hpp"
#include "io/signal_watcher.hpp"
#include "tests/interop/interop_fixture.hpp"
#include "tests/interop/node_server.hpp"
#include "tests/io/http/http_conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::test {
namespace {

using io::HttpConversation;
using io::RpcReply;
using protocol::Outcome;
using testing::HasSubstr;

/// Which certificate the server shows, in the order of its ports.
enum class Shows : std::uint8_t { kGood, kSelfSigned, kWrongName, kExpired };

struct Steps final : io::ProgressSink {
  void on_progress(std::string_view) override { ++count; }
  int count = 0;
};

/// A client that has no room, ever.
struct Deaf final : io::ProgressSink {
  void on_progress(std::string_view) override { ++count; }
  bool has_room() const noexcept override { return false; }
  int count = 0;
};

class InteropHttp2Test : public InteropFixture {
 protected:
  void SetUp() override {
    InteropFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    io::ignore_write_signals();
    NodeCommand command{{node(), own_server("http2.mjs"), scratch()}, {}, "ready"};
    for (std::uint16_t& port : ports_) {
      port = free_port();
      command.arguments.push_back(std::to_string(port));
    }
    server_ = std::make_unique<NodeServer>(std::move(command));
    server_->start();
    loop_ = io::Loop::create().value();
    client_ = io::CurlClient::create(*loop_).value();
  }

  io::StreamableHttpOptions options(Shows shows = Shows::kGood) const {
    io::StreamableHttpOptions options;
    const auto port = std::to_string(ports_.at(static_cast<std::size_t>(shows)));
    options.endpoint.url = "https://localhost:" + port + "/mcp";
    options.endpoint.route.ca_file = scratch() + "/ca.pem";
    options.pinned_era = protocol::mcp::Era::kModern;
    return options;
  }
  void open() {
    conversation_ = std::make_unique<HttpConversation>(*loop_, *client_, codec_, options());
    const Result<void> opened = conversation_->open();
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
  }
  /// Why a conversation with that server does not begin.
  std::string refusal(io::StreamableHttpOptions with) {
    HttpConversation other(*loop_, *client_, codec_, std::move(with));
    const Result<void> opened = other.open();
    return opened.has_value() ? "(it began)" : opened.error().message();
  }
  RpcReply call(std::string_view tool, std::string_view arguments = "{}",
                io::RequestOptions with = {}) {
    return conversation_->call(tool, arguments, with);
  }
  static json told_by(const RpcReply& reply) {
    EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
    if (reply.outcome != Outcome::kOk) return {};
    const json result = json::parse(std::string_view(reply.body));
    return json::parse(result["content"][0]["text"].get<std::string>());
  }
  /// The connection that a call came on.
  int session_of(std::string_view tool) { return told_by(call(tool)).value("session", 0); }
  json counts() { return told_by(call("counts")); }

  std::array<std::uint16_t, 4> ports_{};
  std::unique_ptr<NodeServer> server_;
  std::unique_ptr<io::Loop> loop_;
  std::unique_ptr<io::CurlClient> client_;
  io::RpcCodec codec_;
  std::unique_ptr<HttpConversation> conversation_;
};

TEST_F(InteropHttp2Test, AnswersAndStreamsComeOnOneConnection) {
  ASSERT_NO_FATAL_FAILURE(open());
  const int session = session_of("echo");
  EXPECT_GT(session, 0) << "0 is what speaks HTTP/1.1";
  Steps steps;
  EXPECT_EQ(told_by(call("events", "{}", {.progress = &steps})).value("session", 0), session);
  EXPECT_EQ(steps.count, 2);
  constexpr std::size_t kBytes = 3'000'000;
  const RpcReply large = call("large", R"({"bytes":)" + std::to_string(kBytes) + "}");
  EXPECT_EQ(large.outcome, Outcome::kOk) << large.error.message();
  EXPECT_GT(std::string_view(large.body).size(), kBytes);
  EXPECT_EQ(session_of("echo"), session);
}

TEST_F(InteropHttp2Test, CallsSideBySideShareOneConnection) {
  ASSERT_NO_FATAL_FAILURE(open());
  constexpr int kCalls = 20;
  std::vector<std::unique_ptr<HttpConversation::Call>> calls;
  for (int i = 0; i < kCalls; ++i) {
    // None is answered before all are open on one connection.
    calls.push_back(conversation_->start_call("meet", R"({"count":20})"));
  }
  for (const auto& made : calls) told_by(conversation_->finish(*made));
}

TEST_F(InteropHttp2Test, AClientWithoutRoomHoldsUpNoOtherStreamOfTheConnection) {
  ASSERT_NO_FATAL_FAILURE(open());
  const int session = session_of("echo");
  Deaf deaf;
  io::CancelScope scope;
  const auto flood = conversation_->start_call("flood", "{}", {.scope = &scope, .progress = &deaf});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(session_of("echo"), session);
  constexpr std::size_t kBytes = 1'000'000;
  const RpcReply large = call("large", R"({"bytes":)" + std::to_string(kBytes) + "}");
  EXPECT_EQ(large.outcome, Outcome::kOk) << large.error.message();
  EXPECT_FALSE(flood->is_done());
  scope.cancel(io::CancelCause::kCaller);
  EXPECT_EQ(conversation_->finish(*flood).outcome, Outcome::kCancelled);
}

TEST_F(InteropHttp2Test, AStreamThatTheServerRefusesIsNotSent) {
  ASSERT_NO_FATAL_FAILURE(open());
  // On the connection of the handshake, and on the fresh one that comes after a refusal.
  for (int round = 0; round < 2; ++round) {
    const RpcReply refused = call("refuse");
    EXPECT_EQ(refused.outcome, Outcome::kNotSent) << refused.error.message();
    EXPECT_EQ(refused.error.kind, ErrorKind::kDisconnected) << "else nobody would try again";
    EXPECT_THAT(refused.error.message(), HasSubstr("REFUSED_STREAM"));
  }
  EXPECT_EQ(counts().value("refusals", 0), 2) << "sent again by itself";
}

TEST_F(InteropHttp2Test, WhateverElseEndsAStreamLeavesTheCallUnknown) {
  ASSERT_NO_FATAL_FAILURE(open());
  int calls = 0;
  for (const std::string_view tool :
       {"break", "cancel", "downgrade", "begin_and_refuse", "disown", "die"}) {
    SCOPED_TRACE(tool);
    const RpcReply reply = call(tool);
    EXPECT_EQ(reply.outcome, Outcome::kUnknown) << reply.error.message();
    EXPECT_TRUE(reply.may_have_been_sent);
    EXPECT_FALSE(reply.error.message().empty());
    EXPECT_EQ(counts().value("calls", 0), calls += 2) << "this one, and the one that asks";
  }
}

TEST_F(InteropHttp2Test, AServerThatLeavesFinishesWhatIsOpen) {
  ASSERT_NO_FATAL_FAILURE(open());
  const int session = session_of("drain");
  EXPECT_GT(session, 0);
  // The connection is idle now, and the server has said that it takes no more.
  EXPECT_GT(session_of("echo"), session);
}

TEST_F(InteropHttp2Test, ARedirectIsNotFollowed) {
  ASSERT_NO_FATAL_FAILURE(open());
  const RpcReply reply = call("redirect");
  EXPECT_EQ(reply.outcome, Outcome::kRejected);
  EXPECT_THAT(reply.error.message(), HasSubstr("https://localhost:1/other,"));
}

TEST_F(InteropHttp2Test, CertificatesThatProveNothingAreRefusedWithTheReason) {
  EXPECT_THAT(refusal(options(Shows::kSelfSigned)), HasSubstr("self-signed certificate"));
  EXPECT_THAT(refusal(options(Shows::kWrongName)), HasSubstr("localhost"));
  EXPECT_THAT(refusal(options(Shows::kExpired)), HasSubstr("expired"));
  for (const Shows shows : {Shows::kSelfSigned, Shows::kWrongName, Shows::kExpired}) {
    EXPECT_THAT(refusal(options(shows)), HasSubstr("certificate is not trusted"));
  }
  io::StreamableHttpOptions unknown_authority = options();
  unknown_authority.endpoint.route.ca_file.clear();
  EXPECT_THAT(refusal(std::move(unknown_authority)), HasSubstr("certificate is not trusted"));
  io::StreamableHttpOptions no_file = options();
  no_file.endpoint.route.ca_file = "/nowhere.pem";
  EXPECT_THAT(refusal(std::move(no_file)), HasSubstr("/nowhere.pem"));
}

}  // namespace
}  // namespace mcpwire::test
