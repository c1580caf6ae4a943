// SPDX-License-Identifier: MIT
//
// What one client process may hold of the daemon, and what it is told beyond that. Here all clients
// are one process; tests/client/hostile_process_test.cpp has two.
#include "tests/io/client_channel_fixture.hpp"

#include <map>

namespace mcpwire::io {
namespace {

using ring::Resource;

class ChannelQuotaTest : public ClientChannelFixture {
 protected:
  void TearDown() override {
    connected_.clear();
    first_ = {};
    expect_nothing_is_held();
    ClientChannelFixture::TearDown();
  }

  void limit(Resource resource, std::uint64_t amount) {
    ChannelHostOptions options;
    options.quota[ring::index_of(resource)] = amount;
    options.on_over_quota = [this](std::int32_t, const char* what) { told_.emplace_back(what); };
    make_host(std::move(options));
  }
  void expect_nothing_is_held() const {
    EXPECT_EQ(host_->quota().accounts(), 0U);
    for (std::size_t i = 0; i < ring::kResources; ++i) {
      EXPECT_EQ(host_->quota().held(static_cast<Resource>(i)), 0U) << i;
    }
  }
  /// What the daemon answered, by outcome.
  std::map<Outcome, int> answers(RawClient& client) {
    std::map<Outcome, int> seen;
    settle();
    while (auto frame = client.consumer ? client.pop() : client.receive()) {
      ++seen[protocol::outcome_of(frame->header.request.flags)];
    }
    return seen;
  }
  void announce_file(std::uint32_t slab) {
    const UniqueFd file(ring::create_sealed(as_bytes("file"), {}).value());
    first_.client->announce(slab, 4, file.get());
    settle();
  }
  void send_in_pieces(RawClient& client, std::size_t pieces) {
    const std::string piece(60'000, 'x');
    for (std::size_t i = 1; i <= pieces; ++i) {
      protocol::RequestHeader header =
          protocol::make_header(FrameKind::kRequest, Method::kCallTool);
      if (i != pieces) header.flags |= protocol::flag::kMore;
      static_cast<void>(
          ring::send_frame(client.socket.get(), {header, 5, as_bytes(piece), {}, -1}));
      settle();
    }
  }

  std::vector<Connected> connected_;
  std::vector<std::string> told_;
};

MCPWIRE_INSTANTIATE_ON_KERNELS(ChannelQuotaTest);

TEST_P(ChannelQuotaTest, ConnectionsBeyondTheShareAreRefusedWithAReason) {
  limit(Resource::kConnections, 20);
  std::optional<std::string> refusal;
  for (int i = 0; i < 15 && !refusal; ++i) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    Connected made;
    made.client = std::make_unique<RawClient>(UniqueFd(ends[0]));
    auto channel = ClientChannel::create(*host_, UniqueFd(ends[1]));
    if (channel) {
      made.channel = std::move(*channel);
      made.channel->start(*made.receiver);
      connected_.push_back(std::move(made));
      continue;
    }
    EXPECT_EQ(channel.error().kind, ErrorKind::kOverloaded);
    const auto frame = made.client->receive();
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(protocol::kind_of(frame->header.request.flags), FrameKind::kError);
    refusal = frame->payload;
  }
  EXPECT_EQ(connected_.size(), 10U);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_NE(refusal->find("too many connections"), std::string::npos);
  EXPECT_EQ(told_, std::vector<std::string>{"connections"});
  EXPECT_EQ(host_->quota().accounts(), 1U);
  // A place that is given back can be taken again.
  connected_.pop_back();
  connected_.push_back(make_connected());
}

TEST_P(ChannelQuotaTest, SilentConnectionsLeaveRoomForAHandshake) {
  limit(Resource::kHandshakes, 20);
  for (int i = 0; i < 10; ++i) connected_.push_back(make_connected());
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd near(ends[0]);
  EXPECT_FALSE(ClientChannel::create(*host_, UniqueFd(ends[1])).has_value());
  // Whoever has said HELLO holds none of it.
  connected_.pop_back();
  for (int i = 0; i < 5; ++i) connected_.push_back(make_open(0));
  connected_.push_back(make_connected());
}

TEST_P(ChannelQuotaTest, CallsBeyondTheShareAreRejectedAndTheOthersGoOn) {
  limit(Resource::kCalls, 20);
  first_ = make_open(16 * 1024);
  for (std::uint64_t i = 1; i <= 25; ++i) {
    ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kCallTool, i, "x"));
  }
  EXPECT_EQ(answers(*first_.client), (std::map<Outcome, int>{{Outcome::kRejected, 15}}));
  ASSERT_EQ(first_.receiver->frames.size(), 10U);
  EXPECT_EQ(host_->quota().held(Resource::kCalls), 10U);
  for (std::uint64_t i = 1; i <= 10; ++i) answer(*first_.channel, i, "y");
  EXPECT_EQ(host_->quota().held(Resource::kCalls), 0U);
  EXPECT_EQ(answers(*first_.client), (std::map<Outcome, int>{{Outcome::kOk, 10}}));
  ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kCallTool, 26, "x"));
  settle();
  EXPECT_EQ(first_.receiver->frames.size(), 11U);
  EXPECT_EQ(told_.size(), 1U) << "once is enough";
}

TEST_P(ChannelQuotaTest, LargeArgumentsUnderWayCount) {
  limit(Resource::kBytes, 1'000'000);
  first_ = make_open(0);
  int taken = 0;
  for (std::uint64_t i = 1; i <= 12; ++i) {
    first_.client->send(FrameKind::kRequest, Method::kCallTool, i, std::string(60'000, 'x'));
    settle();
    taken = static_cast<int>(first_.receiver->frames.size());
  }
  EXPECT_EQ(taken, 8);
  EXPECT_EQ(answers(*first_.client), (std::map<Outcome, int>{{Outcome::kRejected, 4}}));
  EXPECT_EQ(host_->quota().held(Resource::kBytes), 480'000U);
  answer(*first_.channel, 3, "y");
  EXPECT_EQ(host_->quota().held(Resource::kBytes), 420'000U);
}

TEST_P(ChannelQuotaTest, AMessageInPiecesBeyondTheShareEndsItsConnection) {
  limit(Resource::kBytes, 400'000);
  first_ = make_open(0);
  send_in_pieces(*first_.client, 2);
  ASSERT_EQ(first_.receiver->frames.size(), 1U);
  answer(*first_.channel, 5, "");
  EXPECT_EQ(host_->quota().held(Resource::kBytes), 0U);
  send_in_pieces(*first_.client, 6);
  ASSERT_TRUE(first_.receiver->closed.has_value());
  EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kOverloaded);
  EXPECT_EQ(host_->violations(), 0U);
}

TEST_P(ChannelQuotaTest, MemoryFilesBeyondTheShareEndTheirConnection) {
  limit(Resource::kDescriptors, 8);
  first_ = make_open(RawClient::kRingBytes);
  for (std::uint32_t slab = 1; slab <= 4; ++slab) announce_file(slab);
  EXPECT_EQ(host_->quota().held(Resource::kDescriptors), 4U);
  ASSERT_TRUE(first_.client->push_mapped(1, 0, 4, 1));
  settle();
  EXPECT_EQ(host_->quota().held(Resource::kDescriptors), 3U);
  announce_file(5);
  EXPECT_FALSE(first_.receiver->closed.has_value());
  announce_file(6);
  ASSERT_TRUE(first_.receiver->closed.has_value());
  EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kOverloaded);
}

TEST_P(ChannelQuotaTest, RingsBeyondTheShareLeaveTheSocket) {
  limit(Resource::kBytes, 40'000);
  Connected with = make_open(RawClient::kRingBytes);
  EXPECT_NE(with.channel->ring_bytes(), 0U);
  EXPECT_EQ(host_->quota().held(Resource::kBytes), 2 * ring::segment_bytes(RawClient::kRingBytes));
  Connected without = make_connected();
  without.client->make_segment();
  without.client->send(FrameKind::kRequest, Method::kHello, 1,
                       RawClient::hello(RawClient::kRingBytes).take(), without.client->own->fd());
  settle();
  ASSERT_TRUE(without.client->receive().has_value());
  EXPECT_EQ(without.channel->ring_bytes(), 0U);
  without.receiver->frames.clear();
  without.client->send(FrameKind::kRequest, Method::kPing, 2, "");
  settle();
  EXPECT_EQ(without.receiver->frames.size(), 1U);
}

TEST_P(ChannelQuotaTest, AnswersThatAreNotTakenCountUntilTheyAre) {
  limit(Resource::kBytes, 1'000'000);
  first_ = make_open(RawClient::kRingBytes);
  const std::uint64_t rings = host_->quota().held(Resource::kBytes);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kCallTool, i, "x"));
  }
  settle();
  for (std::uint64_t i = 1; i <= 20; ++i) answer(*first_.channel, i, std::string(900, 'y'));
  EXPECT_GT(host_->quota().held(Resource::kBytes), rings + 10'000);
  int taken = 0;
  for (int turn = 0; turn < 100; ++turn) {
    while (first_.client->pop()) ++taken;
    if (first_.client->consumer->peer_waits_for_space()) {
      ASSERT_TRUE(ring::ring_doorbell(first_.client->socket.get()));
    }
    settle();
  }
  EXPECT_EQ(taken, 20);
  EXPECT_EQ(host_->quota().held(Resource::kBytes), rings);
}

TEST_P(ChannelQuotaTest, AViolationGivesEverythingBack) {
  limit(Resource::kCalls, 1000);
  first_ = make_open(RawClient::kRingBytes);
  const UniqueFd file(ring::create_sealed(as_bytes("file"), {}).value());
  first_.client->announce(1, 4, file.get());
  ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kCallTool, 1, "x"));
  settle();
  EXPECT_NE(host_->quota().held(Resource::kDescriptors), 0U);
  EXPECT_NE(host_->quota().held(Resource::kCalls), 0U);
  first_.client->send(FrameKind::kRequest, Method::kHello, 1, "");
  settle();
  ASSERT_TRUE(first_.receiver->closed.has_value());
  first_ = {};
  expect_nothing_is_held();
}

}  // namespace
}  // namespace mcpwire::io
