// SPDX-License-Identifier: MIT
//
// Answers that a client does not take: they are charged to its process, which gets no more work
// done beyond its share, and loses none.
#include "tests/io/channel_quota_fixture.hpp"

namespace mcpwire::io {
namespace {

class ChannelAnswerQuotaTest : public ChannelQuotaFixture {};

MCPWIRE_INSTANTIATE_ON_KERNELS(ChannelAnswerQuotaTest);

TEST_P(ChannelAnswerQuotaTest, AnswersThatAreNotTakenCountUntilTheyAre) {
  limit(Resource::kAnswerBytes, 1'000'000);
  first_ = make_open(RawClient::kRingBytes);
  for (std::uint64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(first_.client->push(FrameKind::kRequest, Method::kCallTool, i, "x"));
  }
  settle();
  for (std::uint64_t i = 1; i <= 20; ++i) answer(*first_.channel, i, std::string(900, 'y'));
  EXPECT_GT(held(Resource::kAnswerBytes), 10'000U);
  int taken = 0;
  for (int turn = 0; turn < 100; ++turn) {
    while (first_.client->pop()) ++taken;
    if (first_.client->consumer->peer_waits_for_space()) {
      ASSERT_TRUE(ring::ring_doorbell(first_.client->socket.get()));
    }
    settle();
  }
  EXPECT_EQ(taken, 20);
  EXPECT_EQ(held(Resource::kAnswerBytes), 0U);
}

// They are out of the daemon's hands, but nobody else's either.
TEST_P(ChannelAnswerQuotaTest, MemoryFilesThatTheClientHasNotTakenCountUntilItHas) {
  limit(Resource::kAnswerBytes, 1'000'000);
  first_ = make_open(RawClient::kRingBytes);
  for (std::uint64_t i = 1; i <= 5; ++i) ask_for(first_, i, 100'000);
  EXPECT_FALSE(first_.channel->has_unsent());
  EXPECT_EQ(held(Resource::kAnswerBytes), 500'000U);
  EXPECT_EQ(held(Resource::kDescriptors), 5U);
  Connected other = make_open(RawClient::kRingBytes);  // Of the same process.
  for (Connected* connected : {&first_, &other}) {
    ASSERT_TRUE(connected->client->push(FrameKind::kRequest, Method::kCallTool, 6, "x"));
    ASSERT_TRUE(ring::ring_doorbell(connected->client->socket.get()));
    EXPECT_EQ(requests_seen(*connected), 0U);
    EXPECT_FALSE(connected->receiver->closed.has_value());
  }
  expect_overloaded(*other.client, 6);
  while (first_.client->receive()) {
  }
  ask_for(other, 7, 1);
  EXPECT_EQ(held(Resource::kAnswerBytes), 0U);
  EXPECT_EQ(held(Resource::kDescriptors), 0U);
  EXPECT_EQ(told_, std::vector<std::string>{"answers that it has not taken"});
  other = {};
}

TEST_P(ChannelAnswerQuotaTest, ALargeAnswerForWhichThereIsNoShareOfMemoryFilesComesInPieces) {
  limit(Resource::kDescriptors, 0);
  first_ = make_open(RawClient::kRingBytes);
  ask_for(first_, 1, 50'000);
  EXPECT_GE(held(Resource::kAnswerBytes), 50'000U);
  std::string whole;
  std::size_t pieces = 0;
  for (bool has_more = true; has_more && pieces < 1000; ++pieces) {
    auto piece = first_.client->pop();
    while (!piece) {
      ASSERT_TRUE(ring::ring_doorbell(first_.client->socket.get()));
      settle();
      piece = first_.client->pop();
    }
    static_cast<void>(first_.client->consumer->peer_waits_for_space());
    EXPECT_EQ(piece->header.correlation, 1U);
    has_more = (piece->header.request.flags & protocol::flag::kMore) != 0;
    whole += piece->payload;
  }
  EXPECT_TRUE(whole == std::string(50'000, 'y')) << whole.size();
  EXPECT_GT(pieces, 40U);
  settle();
  EXPECT_EQ(held(Resource::kAnswerBytes), 0U);
  ask_for(first_, 2, 1);
}

}  // namespace
}  // namespace mcpwire::io
