// SPDX-License-Identifier: MIT
//
// What one client process may hold of the daemon, and what it is told beyond that; two processes:
// tests/client/greedy_process_test.cpp. Its answers: channel_answer_quota_test.cpp.
#include "tests/io/channel_quota_fixture.hpp"

namespace mcpwire::io {
namespace {

class ChannelQuotaTest : public ChannelQuotaFixture {};

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
    const auto fixed =
        protocol::PayloadReader(as_bytes(frame->payload)).fixed<protocol::HelloRefusal>();
    EXPECT_EQ(fixed->error_kind, static_cast<std::uint32_t>(ErrorKind::kOverloaded));
    EXPECT_EQ(fixed->error_code, static_cast<std::uint32_t>(ErrorCode::kQueueFull));
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

TEST_P(ChannelQuotaTest, AMessageInPiecesBeyondTheShareIsRejectedAndTheNextOneTaken) {
  limit(Resource::kBytes, 400'000);
  first_ = make_open(0);
  send_in_pieces(*first_.client, 2);
  ASSERT_EQ(requests_seen(first_), 1U);
  answer(*first_.channel, 5, "");
  ASSERT_TRUE(first_.client->receive().has_value());
  EXPECT_EQ(held(Resource::kBytes), 0U);
  send_in_pieces(*first_.client, 6);
  EXPECT_EQ(requests_seen(first_), 0U);
  EXPECT_EQ(held(Resource::kBytes), 0U) << "what had come is not kept";
  expect_overloaded(*first_.client, 5);
  EXPECT_FALSE(first_.client->receive().has_value()) << "one answer";
  send_in_pieces(*first_.client, 2);
  EXPECT_EQ(requests_seen(first_), 1U);
  EXPECT_FALSE(first_.receiver->closed.has_value());
  EXPECT_EQ(told_, std::vector<std::string>{"bytes of unfinished messages"});
}

TEST_P(ChannelQuotaTest, AMessageInPiecesOverTheLimitIsRejectedAsTooLarge) {
  limit(Resource::kBytes, std::uint64_t{1} << 30, {.reassembly_bytes_max = 100'000});
  first_ = make_open(0);
  send_in_pieces(*first_.client, 5);
  EXPECT_EQ(requests_seen(first_), 0U);
  expect_overloaded(*first_.client, 5, ErrorKind::kInvalid);
  EXPECT_FALSE(first_.receiver->closed.has_value());
  EXPECT_EQ(host_->violations(), 0U);
}

TEST_P(ChannelQuotaTest, MemoryFilesBeyondTheShareCostTheirRequestsAlone) {
  limit(Resource::kDescriptors, 8);
  first_ = make_open(RawClient::kRingBytes);
  for (std::uint32_t slab = 1; slab <= 4; ++slab) announce_file(slab);
  EXPECT_EQ(held(Resource::kDescriptors), 4U);
  announce_file(5);
  EXPECT_EQ(held(Resource::kDescriptors), 4U);
  for (std::uint32_t slab = 1; slab <= 5; ++slab) {
    ASSERT_TRUE(first_.client->push_mapped(slab, 0, 4, slab));
  }
  EXPECT_EQ(requests_seen(first_), 4U);
  EXPECT_EQ(held(Resource::kDescriptors), 0U);
  expect_overloaded(*first_.client, 5);
  announce_file(6);
  ASSERT_TRUE(first_.client->push_mapped(6, 0, 4, 6));
  EXPECT_EQ(requests_seen(first_), 1U);
  EXPECT_FALSE(first_.receiver->closed.has_value());
  EXPECT_EQ(told_, std::vector<std::string>{"memory files"});
}

TEST_P(ChannelQuotaTest, BytesOfMemoryFilesBeyondTheShareCostTheirRequestsAlone) {
  limit(Resource::kBytes, 1'000'000);
  first_ = make_open(RawClient::kRingBytes);
  const std::uint64_t rings = held(Resource::kBytes);
  const std::string large(200'000, 'x');
  const UniqueFd file(ring::create_sealed(as_bytes(large), {}).value());
  for (std::uint32_t slab = 1; slab <= 3; ++slab) {
    first_.client->announce(slab, large.size(), file.get());
    settle();
  }
  EXPECT_EQ(held(Resource::kBytes), rings + 2 * large.size());
  EXPECT_EQ(held(Resource::kDescriptors), 2U) << "the third one is closed";
  ASSERT_TRUE(first_.client->push_mapped(3, 0, large.size(), 3));
  EXPECT_EQ(requests_seen(first_), 0U);
  const auto refused = first_.client->pop();
  ASSERT_TRUE(refused.has_value());
  const auto body = protocol::parse_error_body(as_bytes(refused->payload));
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->error.kind, ErrorKind::kOverloaded);
  EXPECT_EQ(body->error.message(), "this process has too many bytes of memory files");
  EXPECT_EQ(told_, std::vector<std::string>{"bytes of memory files"});
  // The others go on, and are charged as requests from then on.
  ASSERT_TRUE(first_.client->push_mapped(1, 0, large.size(), 1));
  EXPECT_EQ(requests_seen(first_), 1U);
  EXPECT_EQ(held(Resource::kBytes), rings + 2 * large.size());
  answer(*first_.channel, 1, "y");
  EXPECT_EQ(held(Resource::kBytes), rings + large.size());
  EXPECT_EQ(held(Resource::kDescriptors), 1U);
  first_.client->announce(4, large.size(), file.get());
  ASSERT_TRUE(first_.client->push_mapped(4, 0, large.size(), 4));
  EXPECT_EQ(requests_seen(first_), 1U);
  EXPECT_FALSE(first_.receiver->closed.has_value());
}

TEST_P(ChannelQuotaTest, EnvironmentsBeyondTheShareAreRefusedWithAReason) {
  limit(Resource::kBytes, 240'000);
  const auto connect_with = [this](std::size_t environment_bytes) {
    connected_.push_back(make_connected());
    RawClient::Hello hello = RawClient::hello(0);
    hello.fixed.environment = hello.add(std::string(environment_bytes, 'E'));
    connected_.back().client->send(FrameKind::kRequest, Method::kHello, 1, hello.take());
    settle();
    return *connected_.back().client->receive();
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(protocol::kind_of(connect_with(50'000).header.request.flags), FrameKind::kResponse);
  }
  EXPECT_GT(held(Resource::kBytes), 100'000U);
  const auto refusal = connect_with(50'000);
  EXPECT_EQ(protocol::kind_of(refusal.header.request.flags), FrameKind::kError);
  EXPECT_NE(refusal.payload.find("too many bytes of paths and environments"), std::string::npos);
  EXPECT_EQ(told_, std::vector<std::string>{"bytes of paths and environments"});
  EXPECT_EQ(protocol::kind_of(connect_with(500).header.request.flags), FrameKind::kResponse);
  // A share that is given back can be taken again.
  connected_.clear();
  EXPECT_EQ(held(Resource::kBytes), 0U);
  EXPECT_EQ(protocol::kind_of(connect_with(50'000).header.request.flags), FrameKind::kResponse);
}

TEST_P(ChannelQuotaTest, AFileThatIsLargerThanItSaysIsNotKept) {
  limit(Resource::kBytes, 1'000'000);
  first_ = make_open(RawClient::kRingBytes);
  const UniqueFd file(ring::create_sealed(as_bytes(std::string(200'000, 'x')), {}).value());
  first_.client->announce(1, 4, file.get());
  expect_violation("memory file that is not sealed, or of another size");
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
