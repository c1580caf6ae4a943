// SPDX-License-Identifier: MIT
//
// A link whose daemon is played by hand over the socket, for what a real one does only by chance.
#include "client/detail/link.hpp"

#include "client/detail/hello.hpp"
#include "protocol/payload_codec.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::client::detail {
namespace {

using protocol::CallState;
using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

class LinkTest : public ::testing::Test, protected Link::Sink {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    client_end_.reset(ends[0]);
    daemon_.reset(ends[1]);
    options_.ring_bytes = 0;
  }

  void on_message(const protocol::FrameHeader&, Body&& payload) override {
    received_.push_back(std::move(payload).take_text());
  }

  void say(FrameKind kind, Method method, Outcome outcome, ByteSpan payload,
           std::uint32_t flags = 0) const {
    protocol::RequestHeader header = protocol::make_header(kind, method, outcome);
    header.flags |= flags;
    ASSERT_TRUE(ring::send_frame(daemon_.get(), {header, 1, payload, {}, -1}));
  }
  static ring::OutgoingFrame intent_frame() {
    static constexpr protocol::IntentEvent kEvent{
        sizeof(protocol::IntentEvent), static_cast<std::uint32_t>(CallState::kSending), 1};
    return {
        protocol::make_header(FrameKind::kEvent, Method::kIntent), 0, object_bytes(kEvent), {}, -1};
  }
  void say_intent() const { ASSERT_TRUE(ring::send_frame(daemon_.get(), intent_frame())); }
  /// Another message where the rest of one should come.
  void break_protocol() const {
    say(FrameKind::kResponse, Method::kCallTool, Outcome::kOk, as_bytes("a"),
        protocol::flag::kMore);
    say(FrameKind::kResponse, Method::kPing, Outcome::kOk, as_bytes("b"));
  }
  void pump_to_the_end() {
    while (link_->pump(*this, kNever) == Link::PumpEnd::kProgress) {
    }
    ASSERT_TRUE(link_->is_lost());
  }

  Result<void> open(const protocol::HelloReply& reply) {
    say(FrameKind::kResponse, Method::kHello, Outcome::kOk, object_bytes(reply));
    auto link = Link::open(std::move(client_end_), options_, *build_hello(options_), kNever);
    if (!link) return fail(link.error());
    link_ = std::move(*link);
    return {};
  }
  void open() {
    ASSERT_TRUE(open({sizeof(protocol::HelloReply), protocol::kWireVersion, 0, 1, 1, 0, {}}));
  }
  void send_call() {
    ASSERT_TRUE(link_->send(*this, protocol::make_header(FrameKind::kRequest, Method::kCallTool), 1,
                            as_bytes("call"), kNever));
  }

  /// What open() says of a daemon that answers HELLO with this.
  Error refused_with(const std::string& refusal) {
    say(FrameKind::kError, Method::kHello, Outcome::kRejected, as_bytes(refusal));
    auto link = Link::open(std::move(client_end_), options_, *build_hello(options_), kNever);
    EXPECT_FALSE(link.has_value());
    return link ? Error{} : link.error();
  }

  ConnectOptions options_;
  UniqueFd client_end_;
  UniqueFd daemon_;
  std::unique_ptr<Link> link_;
  std::vector<std::string> received_;
};

TEST_F(LinkTest, WhatADaemonSaidBeforeItResetTheConnectionIsHeard) {
  open();
  send_call();
  say_intent();
  say(FrameKind::kEvent, Method::kProgress, Outcome::kNone, as_bytes("news"));
  daemon_.reset();  // With our frames unread: the kernel reports a reset first.
  while (link_->pump(*this, kNever) != Link::PumpEnd::kLost) {
  }
  EXPECT_EQ(link_->revoke(*this, 1), CallState::kSending);
  EXPECT_EQ(received_, std::vector<std::string>{"news"});
}

TEST_F(LinkTest, ARevokedCallCannotBeBegunAnyMore) {
  open();
  send_call();
  EXPECT_EQ(link_->revoke(*this, 1), CallState::kNone);
  EXPECT_FALSE(ring::send_frame(daemon_.get(), intent_frame()));
}

TEST_F(LinkTest, AnIntentThatIsOnItsWayCountsWhenTheCallIsRevoked) {
  open();
  send_call();
  say_intent();
  EXPECT_EQ(link_->revoke(*this, 1), CallState::kSending);
}

TEST_F(LinkTest, IntentsMayComeBetweenThePiecesOfAMessage) {
  open();
  say(FrameKind::kResponse, Method::kCallTool, Outcome::kOk, as_bytes("a"), protocol::flag::kMore);
  say_intent();
  say(FrameKind::kResponse, Method::kCallTool, Outcome::kOk, as_bytes("b"));
  EXPECT_EQ(link_->pump(*this, kNever), Link::PumpEnd::kProgress);
  EXPECT_EQ(received_, std::vector<std::string>{"ab"});
}

TEST_F(LinkTest, AnIntentIsForgottenOnceItsCallIsAnswered) {
  open();
  say_intent();
  say(FrameKind::kResponse, Method::kCallTool, Outcome::kOk, as_bytes("{}"));
  EXPECT_EQ(link_->pump(*this, kNever), Link::PumpEnd::kProgress);
  EXPECT_EQ(link_->revoke(*this, 1), CallState::kNone);
}

TEST_F(LinkTest, AnIntentBehindAViolationIsStillRead) {
  open();
  break_protocol();
  say_intent();
  say(FrameKind::kResponse, Method::kPing, Outcome::kOk, as_bytes("not trusted any more"));
  pump_to_the_end();
  EXPECT_EQ(link_->revoke(*this, 1), CallState::kSending);
  EXPECT_TRUE(received_.empty());
}

TEST_F(LinkTest, ALostLinkIsRevokedToo) {
  open();
  send_call();
  break_protocol();
  pump_to_the_end();
  EXPECT_EQ(link_->revoke(*this, 1), CallState::kNone);
  EXPECT_FALSE(ring::send_frame(daemon_.get(), intent_frame()));
}

TEST_F(LinkTest, AFrameThatCannotBeReadMayHaveBeenAnIntent) {
  open();
  ASSERT_EQ(::send(daemon_.get(), "short", 5, 0), 5);
  pump_to_the_end();
  EXPECT_EQ(link_->revoke(*this, 1), CallState::kSending);
}

TEST_F(LinkTest, ADaemonThatBreaksTheProtocolIsLeft) {
  open();
  break_protocol();
  pump_to_the_end();
  EXPECT_TRUE(link_->is_lost());
  EXPECT_EQ(link_->loss().code, ErrorCode::kProtocolViolation);
}

TEST_F(LinkTest, ARefusalIsToldInTheDaemonsWords) {
  protocol::PayloadBuilder<protocol::HelloRefusal> builder;
  builder.fixed.version_min = 3;
  builder.fixed.version_max = 4;
  builder.fixed.message = builder.add("too old");
  const Error refused = refused_with(builder.take());
  EXPECT_EQ(refused.code, ErrorCode::kVersionMismatch) << "an older daemon gives no kind";
  EXPECT_NE(refused.message().find("too old"), std::string::npos);
  EXPECT_NE(refused.message().find("3 to 4"), std::string::npos);
}

TEST_F(LinkTest, ARefusalForWantOfAShareIsNoMismatchOfVersions) {
  const Error why = Error::with_detail(ErrorKind::kOverloaded, ErrorCode::kQueueFull, "too many");
  protocol::PayloadBuilder<protocol::HelloRefusal> builder;
  builder.fixed.message = builder.add(why.message());
  builder.fixed.error_kind = static_cast<std::uint32_t>(why.kind);
  builder.fixed.error_code = static_cast<std::uint32_t>(why.code);
  const Error refused = refused_with(builder.take());
  EXPECT_EQ(refused.kind, ErrorKind::kOverloaded);
  EXPECT_EQ(refused.code, ErrorCode::kQueueFull);
  EXPECT_NE(refused.message().find("too many"), std::string::npos);
  EXPECT_EQ(refused.message().find("version"), std::string::npos) << refused.message();
}

TEST_F(LinkTest, RingsThatNobodyAskedForAreAViolation) {
  const auto opened = open({sizeof(protocol::HelloReply),
                            protocol::kWireVersion,
                            protocol::feature::kSharedMemory,
                            1,
                            1,
                            4096,
                            {}});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kProtocolViolation);
}

TEST_F(LinkTest, AHandshakeWithoutAnAnswerEndsAtTheDeadline) {
  const auto link = Link::open(std::move(client_end_), options_, *build_hello(options_),
                               monotonic_now_ns() + kNanosecondsPerMillisecond);
  ASSERT_FALSE(link.has_value());
  EXPECT_EQ(link.error().kind, ErrorKind::kTimeout);
}

}  // namespace
}  // namespace mcpwire::client::detail
