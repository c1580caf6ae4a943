// SPDX-License-Identifier: MIT
#include "ring/call_words.hpp"

#include "tests/ring/ring_pair.hpp"

namespace mcpwire::ring {
namespace {

using protocol::CallState;

class CallWordsTest : public testing::Test {
 protected:
  OwnedSegment client_segment = make_segment(kRingBytesMin);
  OwnedSegment daemon_segment = make_segment(kRingBytesMin);
  DaemonCallWords daemon{daemon_segment.memory(), client_segment.memory()};
  ClientCallWords client{client_segment.memory(), daemon_segment.memory()};
};

TEST_F(CallWordsTest, AnUnseenCallHasNoState) {
  EXPECT_EQ(client.state(1), CallState::kNone);
  EXPECT_EQ(client.revoke(1), CallState::kNone);
}

TEST_F(CallWordsTest, EachPublishedStateIsRead) {
  daemon.publish(5, CallState::kClaimed);
  EXPECT_EQ(client.state(5), CallState::kClaimed);
  EXPECT_TRUE(daemon.begin_sending(5));
  EXPECT_EQ(client.state(5), CallState::kSending);
  daemon.publish(5, CallState::kSent);
  EXPECT_EQ(client.state(5), CallState::kSent);
  daemon.publish(5, CallState::kDone);
  EXPECT_EQ(client.state(5), CallState::kDone);
}

TEST_F(CallWordsTest, ACallRevokedBeforeSendingIsNeverSent) {
  daemon.publish(5, CallState::kClaimed);
  EXPECT_FALSE(may_have_been_sent(client.revoke(5)));
  EXPECT_FALSE(daemon.begin_sending(5));
  EXPECT_FALSE(may_have_been_sent(client.state(5))) << "the word tells the truth afterwards";
  EXPECT_FALSE(daemon.begin_sending(5)) << "a second attempt is refused as well";
}

TEST_F(CallWordsTest, ACallRevokedAfterSendingMayHaveHappened) {
  ASSERT_TRUE(daemon.begin_sending(5));
  EXPECT_TRUE(may_have_been_sent(client.revoke(5)));
}

TEST_F(CallWordsTest, ARevocationDoesNotTouchTheNextCallOfItsSlot) {
  client.revoke(5);
  EXPECT_TRUE(daemon.begin_sending(5 + protocol::kCallWindow));
  EXPECT_EQ(client.state(5), CallState::kNone) << "the word is another call's";
}

TEST_F(CallWordsTest, NeighbouringCallsHaveTheirOwnWords) {
  for (std::uint64_t id = 1; id <= protocol::kCallWindow; ++id) {
    daemon.publish(id, id % 2 == 0 ? CallState::kClaimed : CallState::kSent);
  }
  for (std::uint64_t id = 1; id <= protocol::kCallWindow; ++id) {
    EXPECT_EQ(client.state(id), id % 2 == 0 ? CallState::kClaimed : CallState::kSent) << id;
  }
}

TEST_F(CallWordsTest, TheLargestCorrelationFits) {
  EXPECT_TRUE(daemon.begin_sending(protocol::kCorrelationMax));
  EXPECT_EQ(client.state(protocol::kCorrelationMax), CallState::kSending);
}

TEST_F(CallWordsTest, AnImpossibleStateReadsAsNone) {
  daemon_segment.memory().page->call_words[5] = (5u << 8) | 77u;
  EXPECT_EQ(client.state(5), CallState::kNone);
}

}  // namespace
}  // namespace mcpwire::ring
