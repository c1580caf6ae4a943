// SPDX-License-Identifier: MIT
//
// A client that does right things at the wrong time, or with what is not its own: memory that was
// used before, that another connection uses, or that is the daemon's.
#include "tests/io/client_channel_fixture.hpp"

#include <sys/socket.h>

namespace mcpwire::io {
namespace {

constexpr std::uint32_t kRing = RawClient::kRingBytes;

class ClientChannelOddOrderTest : public ClientChannelFixture {
 protected:
  RawClient& client() { return *first_.client; }

  void say_hello(Connected& connected, int segment) {
    connected.client->send(FrameKind::kRequest, Method::kHello, 1, RawClient::hello(kRing).take(),
                           segment);
    settle();
  }
  /// One round trip on a connection that has rings.
  void expect_served(Connected& connected, std::uint64_t correlation) {
    ASSERT_TRUE(connected.client->push(FrameKind::kRequest, Method::kCallTool, correlation, "x"));
    ASSERT_TRUE(ring::ring_doorbell(connected.client->socket.get()));
    settle();
    answer(*connected.channel, correlation, "y");
    settle();
    const auto frame = connected.client->pop();
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->header.correlation, correlation);
  }
};

MCPWIRE_INSTANTIATE_ON_KERNELS(ClientChannelOddOrderTest);

TEST_P(ClientChannelOddOrderTest, ADescriptorWithAFrameThatTakesNoneIsAViolation) {
  const UniqueFd file(ring::create_sealed(as_bytes("x"), {}).value());
  const std::array<std::pair<FrameKind, Method>, 6> frames = {{
      {FrameKind::kEvent, Method::kDoorbell},
      {FrameKind::kEvent, Method::kCancel},
      {FrameKind::kRequest, Method::kPing},
      {FrameKind::kRequest, Method::kCallTool},
      {FrameKind::kRequest, Method::kStatus},
      {FrameKind::kRequest, Method::kHello},
  }};
  for (const std::uint32_t ring_bytes : {0U, kRing}) {
    for (const auto& [kind, method] : frames) {
      make_host({});
      reported_.clear();
      first_ = make_open(ring_bytes);
      client().send(kind, method, 2, "", file.get());
      expect_violation();
    }
  }
}

TEST_P(ClientChannelOddOrderTest, HelloInPiecesIsAViolation) {
  first_ = make_connected();
  protocol::RequestHeader header = protocol::make_header(FrameKind::kRequest, Method::kHello);
  header.flags |= protocol::flag::kMore;
  client().send(header, 1, RawClient::hello(0).take());
  expect_violation("frame before HELLO");
}

TEST_P(ClientChannelOddOrderTest, AFileIsGoodForOneRecord) {
  first_ = make_open(kRing);
  const UniqueFd file(ring::create_sealed(as_bytes("abc"), {}).value());
  client().announce(1, 3, file.get());
  ASSERT_TRUE(client().push_mapped(1, 0, 3, 5));
  settle();
  EXPECT_EQ(first_.receiver->frames.size(), 1U);
  ASSERT_TRUE(client().push_mapped(1, 0, 3, 6));
  expect_violation("payload in an unknown memory file");
}

TEST_P(ClientChannelOddOrderTest, WhatIsWrittenBehindTheEndOfTheSocketIsNobodys) {
  first_ = make_open(kRing);
  ::shutdown(client().socket.get(), SHUT_RDWR);
  for (std::uint64_t id = 2; id < 10; ++id) {
    client().push(FrameKind::kRequest, Method::kPing, id, "");
  }
  settle();
  ASSERT_TRUE(first_.receiver->closed.has_value());
  EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kDisconnected);
  EXPECT_EQ(host_->violations(), 0U);
  expect_others_are_served();
}

/// Its seals are right and it is no client's: the daemon reads what it wrote itself.
TEST_P(ClientChannelOddOrderTest, TheDaemonsOwnSegmentAsAClientsHarmsThatConnectionOnly) {
  first_ = make_connected();
  client().make_segment(kRing);
  say_hello(first_, client().own->fd());
  ASSERT_TRUE(client().receive().has_value());
  const UniqueFd daemons(::dup(client().attached.get()));
  client().attach(kRing);
  first_.receiver->frames.clear();
  Connected thief = make_connected();
  say_hello(thief, daemons.get());
  EXPECT_TRUE(thief.client->receive().has_value());
  ASSERT_NO_FATAL_FAILURE(expect_served(first_, 5));
  static_cast<void>(ring::ring_doorbell(thief.client->socket.get()));
  settle();
  ASSERT_TRUE(thief.receiver->closed.has_value());
  EXPECT_EQ(reported_, std::vector<std::string>{"answer from a client"});
  ASSERT_NO_FATAL_FAILURE(expect_served(first_, 6));
  EXPECT_FALSE(first_.receiver->closed.has_value());
}

/// Each of the two is asked what stands there; each answers in a ring of its own.
TEST_P(ClientChannelOddOrderTest, OneSegmentForTwoConnectionsIsReadTwice) {
  first_ = make_connected();
  client().make_segment(kRing);
  say_hello(first_, client().own->fd());
  ASSERT_TRUE(client().receive().has_value());
  Connected second = make_connected();
  say_hello(second, client().own->fd());
  ASSERT_TRUE(second.client->receive().has_value());
  client().attach(kRing);
  first_.receiver->frames.clear();
  second.receiver->frames.clear();
  ASSERT_NO_FATAL_FAILURE(expect_served(first_, 5));
  ASSERT_TRUE(ring::ring_doorbell(second.client->socket.get()));
  settle();
  EXPECT_EQ(first_.receiver->frames.size(), 1U);
  EXPECT_EQ(second.receiver->frames.size(), 1U);
  EXPECT_FALSE(second.receiver->closed.has_value());
  expect_others_are_served();
}

}  // namespace
}  // namespace mcpwire::io
