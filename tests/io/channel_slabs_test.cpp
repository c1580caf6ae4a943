// SPDX-License-Identifier: MIT
//
// Large answers to a client that agreed to slabs: which memory they take, and what becomes of it.
#include "ring/received_memory.hpp"
#include "tests/io/client_channel_fixture.hpp"

namespace mcpwire::io {
namespace {

using protocol::MappedDescriptor;
using protocol::MemoryEvent;
using protocol::MemoryLife;
using protocol::SlabEvent;

constexpr std::size_t kLarge = 100'000;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class ChannelSlabsTest : public ClientChannelFixture {
 protected:
  void open() { first_ = make_open(RawClient::kRingBytes, protocol::feature::kSlabs); }
  RawClient& client() { return *first_.client; }
  ClientChannel& channel() { return *first_.channel; }

  /// The next record; memory files on the way are taken, how is told by `last_life_`.
  std::optional<SeenFrame> next_record() {
    settle();
    while (const auto frame = client().receive()) {
      if (frame->header.request.method != static_cast<std::uint32_t>(Method::kMemory)) continue;
      ++files_seen_;
      last_life_ = load_object<MemoryEvent>(as_bytes(frame->payload)).life;
      EXPECT_TRUE(memory_.keep(as_bytes(frame->payload), std::move(client().attached)));
    }
    return client().pop();
  }
  /// Sends `body` to the client and reads it there.
  ring::MappedPayload carry(const std::string& body) {
    answer(channel(), 7, body);
    const auto record = next_record();
    EXPECT_TRUE(record.has_value());
    EXPECT_NE(record->header.request.flags & protocol::flag::kMapped, 0U);
    last_ = load_object<MappedDescriptor>(as_bytes(record->payload));
    auto payload = memory_.open(last_);
    EXPECT_TRUE(payload.has_value());
    EXPECT_TRUE(as_text(payload->bytes()) == body);
    return std::move(*payload);
  }
  void push_credit(std::uint32_t slab, std::uint32_t generation, std::uint32_t reserved = 0) {
    const SlabEvent event{sizeof(event), slab, generation, reserved};
    ASSERT_TRUE(
        client().push(FrameKind::kEvent, Method::kSlabCredit, 0, as_text(object_bytes(event))));
    ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
    settle();
  }
  void give_credits() {
    while (const auto credit = memory_.take_credit()) push_credit(credit->slab, credit->generation);
  }

  ring::ReceivedMemory memory_{{.files_max = 16, .slabs_max = 16}};
  MappedDescriptor last_{};
  MemoryLife last_life_ = MemoryLife::kOnce;
  int files_seen_ = 0;
};

MCPWIRE_INSTANTIATE_ON_KERNELS(ChannelSlabsTest);

TEST_P(ChannelSlabsTest, OneSlabIsSentOnceAndUsedAgain) {
  open();
  for (int i = 0; i < 10; ++i) {
    carry(std::string(kLarge, static_cast<char>('a' + i)));
    EXPECT_EQ(files_seen_, 1);
    EXPECT_EQ(last_life_, MemoryLife::kStays);
    give_credits();
  }
  EXPECT_EQ(last_.generation, 10U);
  EXPECT_EQ(host_->large_payloads().in_slabs, 10U);
  EXPECT_EQ(host_->large_payloads().new_slabs, 1U);
  EXPECT_EQ(host_->large_payloads().bytes_copied, 10 * kLarge);
}

TEST_P(ChannelSlabsTest, SmallAnswersStayInTheRing) {
  open();
  answer(channel(), 7, "small");
  const auto record = next_record();
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->payload, "small");
  EXPECT_EQ(host_->large_payloads().in_slabs, 0U);
}

TEST_P(ChannelSlabsTest, AClientThatGivesNothingBackGetsSealedFiles) {
  ChannelHostOptions options;
  options.slabs.per_client = {.slabs_max = 3, .bytes_max = 32 * kMiB};
  make_host(std::move(options));
  open();
  std::vector<ring::MappedPayload> held;
  for (int i = 0; i < 3; ++i) held.push_back(carry(std::string(kLarge, 's')));
  EXPECT_EQ(last_life_, MemoryLife::kStays);
  held.push_back(carry(std::string(kLarge, 'f')));
  EXPECT_EQ(last_life_, MemoryLife::kOnce);
  EXPECT_EQ(host_->large_payloads().in_slabs, 3U);
  held.clear();
  give_credits();
  carry(std::string(kLarge, 's'));
  EXPECT_EQ(host_->large_payloads().in_slabs, 4U);
  EXPECT_EQ(files_seen_, 4);
}

// Both are of this process, so they have one share.
TEST_P(ChannelSlabsTest, SlabsBeyondTheShareOfTheProcessAreNotMade) {
  ChannelHostOptions options;
  options.quota[ring::index_of(ring::Resource::kSlabBytes)] = 2 * kMiB;
  make_host(std::move(options));
  open();
  const ring::MappedPayload held = carry(std::string(600'000, 'a'));
  EXPECT_EQ(host_->quota().held(ring::Resource::kSlabBytes), kMiB);
  Connected other = make_open(RawClient::kRingBytes, protocol::feature::kSlabs);
  answer(*other.channel, 8, std::string(kLarge, 'b'));
  settle();
  const auto event = other.client->receive();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(load_object<MemoryEvent>(as_bytes(event->payload)).life, MemoryLife::kOnce);
  first_ = {};  // Its slabs go with it.
  EXPECT_EQ(host_->quota().held(ring::Resource::kSlabBytes), 0U);
  answer(*other.channel, 8, std::string(kLarge, 'b'));
  settle();
  const auto next = other.client->receive();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(load_object<MemoryEvent>(as_bytes(next->payload)).life, MemoryLife::kStays);
}

TEST_P(ChannelSlabsTest, IdleSlabsAreGivenUp) {
  ChannelHostOptions options;
  options.slabs.idle_ns = kNanosecondsPerMillisecond;
  make_host(std::move(options));
  open();
  carry(std::string(kLarge, 'a'));
  const ring::MappedPayload held = carry(std::string(kLarge, 'b'));
  give_credits();
  std::optional<SeenFrame> retire;
  while (!(retire = client().pop())) loop_->run_once(kNanosecondsPerMillisecond);
  EXPECT_EQ(retire->header.request.method, static_cast<std::uint32_t>(Method::kSlabRetire));
  const auto event = load_object<SlabEvent>(as_bytes(retire->payload));
  EXPECT_NE(event.slab, last_.slab);
  EXPECT_TRUE(memory_.retire(as_bytes(retire->payload)));
  EXPECT_TRUE(as_text(held.bytes()) == std::string(kLarge, 'b'));
}

TEST_P(ChannelSlabsTest, ACreditThatComesTwiceIsAViolation) {
  open();
  carry(std::string(kLarge, 'a'));
  push_credit(last_.slab, last_.generation);
  push_credit(last_.slab, last_.generation);
  expect_violation(first_, "credit for a slab that is not out");
}

TEST_P(ChannelSlabsTest, ACreditForAnotherUseIsAViolation) {
  open();
  carry(std::string(kLarge, 'a'));
  push_credit(last_.slab, last_.generation + 1);
  expect_violation(first_, "credit for a slab that is not out");
}

TEST_P(ChannelSlabsTest, ACreditWithReservedBitsIsAViolation) {
  open();
  carry(std::string(kLarge, 'a'));
  push_credit(last_.slab, last_.generation, 1);
  expect_violation(first_, "malformed credit, or nobody agreed to slabs");
}

TEST_P(ChannelSlabsTest, ACreditOfAClientThatNeverAgreedIsAViolation) {
  first_ = make_open(RawClient::kRingBytes);
  push_credit(1, 1);
  expect_violation(first_, "malformed credit, or nobody agreed to slabs");
}

TEST_P(ChannelSlabsTest, WithoutSharedMemoryThereAreNoSlabs) {
  first_ = make_open(0, protocol::feature::kSlabs);
  answer(channel(), 7, std::string(kLarge, 'a'));
  settle();
  const auto frame = client().receive();
  ASSERT_TRUE(frame.has_value());
  EXPECT_NE(frame->header.request.flags & protocol::flag::kMore, 0U);
  EXPECT_EQ(host_->large_payloads().in_slabs, 0U);
}

TEST_P(ChannelSlabsTest, WhatNeverLeftIsFreedWithItsChannel) {
  open();
  for (int i = 0; i < 200; ++i) answer(channel(), 7, std::string(kLarge, 'a'));  // Nobody reads.
  EXPECT_TRUE(channel().has_unsent());
  first_ = {};
  expect_others_are_served();
}

}  // namespace
}  // namespace mcpwire::io
