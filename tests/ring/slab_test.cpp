// SPDX-License-Identifier: MIT
//
// Slabs from the sender's book to the receiver's mapping and back.
#include "ring/slab.hpp"

#include "ring/received_memory.hpp"
#include "ring/slab_pool.hpp"
#include "tests/ring/ring_pair.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mcpwire::ring {
namespace {

using protocol::MappedDescriptor;
using protocol::MemoryEvent;
using protocol::MemoryLife;
using protocol::SlabEvent;

constexpr std::uint64_t kKiB = 1024;

class SlabTest : public testing::Test {
 protected:
  /// Sends `text` through a slab, as a daemon and a client do.
  std::optional<MappedPayload> carry(const std::string& text) {
    auto grant = pool_.try_grant(text.size(), next_slab_);
    if (!grant) return std::nullopt;
    copy_bytes(grant->bytes, as_bytes(text));
    if (grant->new_file) {
      const MemoryEvent event{sizeof(event), grant->where.slab, grant->where.generation,
                              MemoryLife::kStays, grant->file_bytes};
      EXPECT_TRUE(received_.keep(object_bytes(event), std::move(grant->new_file)));
    }
    auto payload = received_.open(grant->where);
    EXPECT_TRUE(payload.has_value());
    last_ = grant->where;
    return std::move(*payload);
  }
  /// How many credits there were.
  int give_credits() {
    int count = 0;
    while (const auto credit = received_.take_credit()) {
      EXPECT_TRUE(pool_.take_back(credit->slab, credit->generation, now_ns_));
      ++count;
    }
    return count;
  }
  static std::string_view text_of(const MappedPayload& payload) { return as_text(payload.bytes()); }
  static void expect_violation(const Result<void>& result) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kProtocolViolation);
  }

  Charge charge() { return Charge(account_, Resource::kSlabBytes); }
  static ResourceAmounts sixteen_mib() {
    ResourceAmounts limits{};
    limits[index_of(Resource::kSlabBytes)] = std::uint64_t{16} << 20;
    return limits;
  }

  Quota quota_{sixteen_mib()};
  QuotaAccount account_{quota_};
  SlabPool pool_{charge(),
                 {.slabs_max = 4, .bytes_max = std::uint64_t{6} << 20},
                 KernelAbility::kUseIfPresent};
  ReceivedMemory received_{{.files_max = 4, .slabs_max = 8}};
  std::uint32_t next_slab_ = 1;
  std::uint64_t now_ns_ = 1000;
  MappedDescriptor last_{};
};

TEST_F(SlabTest, OneSlabCarriesOnePayloadAfterTheOther) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string text = pattern(seed, 60 * kKiB);
    auto payload = carry(text);
    ASSERT_TRUE(payload.has_value());
    EXPECT_EQ(text_of(*payload), text);
    MappedPayload moved = *std::move(payload);
    EXPECT_EQ(give_credits(), 0);  // It is still being read.
    moved = MappedPayload();
    EXPECT_EQ(give_credits(), 1);
  }
  EXPECT_EQ(pool_.slab_count(), 1U);
  EXPECT_EQ(last_.generation, 20U);
  EXPECT_EQ(received_.slab_count(), 1U);
}

TEST_F(SlabTest, WhatIsStillReadIsNeverWrittenAgain) {
  const std::string first_text = pattern(1, 60 * kKiB);
  const auto first = carry(first_text);
  const auto second = carry(pattern(2, 60 * kKiB));
  EXPECT_EQ(pool_.slab_count(), 2U);
  EXPECT_EQ(text_of(*first), first_text);
}

TEST_F(SlabTest, LimitsOfNumberAndBytesHold) {
  std::vector<MappedPayload> held;
  for (int i = 0; i < 4; ++i) held.push_back(*carry("x"));
  EXPECT_FALSE(carry("x").has_value());
  held.clear();
  EXPECT_EQ(give_credits(), 4);
  EXPECT_FALSE(pool_.try_grant(std::uint64_t{16} << 20, next_slab_).has_value());
  EXPECT_FALSE(pool_.try_grant((std::uint64_t{16} << 20) + 1, next_slab_).has_value());
}

TEST_F(SlabTest, SlabsAreChargedToTheirPeerWhichGetsItsShareAndLeavesOneToOthers) {
  constexpr SlabLimits kEnough = {.slabs_max = 16, .bytes_max = std::uint64_t{64} << 20};
  SlabPool greedy(charge(), kEnough, KernelAbility::kUseIfPresent);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(greedy.try_grant(std::uint64_t{4} << 20, next_slab_).has_value());
  }
  EXPECT_EQ(account_.held(Resource::kSlabBytes), std::uint64_t{8} << 20);
  EXPECT_FALSE(greedy.try_grant(1, next_slab_).has_value());
  EXPECT_FALSE(pool_.try_grant(1, next_slab_).has_value()) << "another one of the same peer";
  QuotaAccount modest(quota_);
  SlabPool other(Charge(modest, Resource::kSlabBytes), kEnough, KernelAbility::kUseIfPresent);
  EXPECT_TRUE(other.try_grant(std::uint64_t{1} << 20, next_slab_).has_value());
}

TEST_F(SlabTest, ThePeerCannotWriteASlab) {
  auto grant = pool_.try_grant(kKiB, next_slab_);
  ASSERT_TRUE(grant.has_value());
  const int fd = grant->new_file.get();
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  EXPECT_EQ(::pwrite(fd, "x", 1, 0), -1);
  EXPECT_EQ(::ftruncate(fd, 0), -1);
  void* mapping = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  ASSERT_NE(mapping, MAP_FAILED);
  EXPECT_EQ(::mprotect(mapping, 4096, PROT_READ | PROT_WRITE), -1);
  ::munmap(mapping, 4096);
}

TEST_F(SlabTest, CreditsForWhatIsNotOutAreViolations) {
  expect_violation(pool_.take_back(1, 1, 0));
  carry("x").reset();
  EXPECT_EQ(give_credits(), 1);
  expect_violation(pool_.take_back(last_.slab, last_.generation, 0));  // Twice.
  const auto out = carry("y");
  expect_violation(pool_.take_back(last_.slab, last_.generation - 1, 0));  // The use before.
  expect_violation(pool_.take_back(last_.slab, last_.generation + 1, 0));
  expect_violation(pool_.take_back(last_.slab + 1, last_.generation, 0));
  EXPECT_TRUE(pool_.take_back(last_.slab, last_.generation, 0));
}

TEST_F(SlabTest, APayloadOutlivesItsConnection) {
  std::optional<MappedPayload> payload;
  const std::string text = pattern(5, 200 * kKiB);
  {
    ReceivedMemory gone({.files_max = 1, .slabs_max = 1});
    SlabPool pool(charge(), {}, KernelAbility::kUseIfPresent);
    auto grant = pool.try_grant(text.size(), next_slab_);
    ASSERT_TRUE(grant.has_value());
    copy_bytes(grant->bytes, as_bytes(text));
    const MemoryEvent event{sizeof(event), grant->where.slab, 1, MemoryLife::kStays,
                            grant->file_bytes};
    ASSERT_TRUE(gone.keep(object_bytes(event), std::move(grant->new_file)));
    payload = std::move(gone.open(grant->where)).value();
  }
  EXPECT_EQ(text_of(*payload), text);
  payload.reset();
}

TEST_F(SlabTest, APayloadMayBeDestroyedOnAnotherThread) {
  std::optional<MappedPayload> payload = carry("text");
  std::thread([&payload] { payload.reset(); }).join();
  EXPECT_EQ(give_credits(), 1);
}

TEST_F(SlabTest, IdleSlabsAreGivenUpOnBothSides) {
  carry("x").reset();
  const auto busy = carry(pattern(1, 100 * kKiB));
  EXPECT_EQ(give_credits(), 1);
  EXPECT_FALSE(pool_.idle_since(now_ns_ - 1).has_value());
  const auto idle = pool_.idle_since(now_ns_);
  ASSERT_TRUE(idle.has_value());
  const SlabEvent event{sizeof(event), idle->slab, idle->generation, 0};
  EXPECT_TRUE(received_.retire(object_bytes(event)));
  pool_.drop(*idle);
  EXPECT_EQ(received_.slab_count(), 1U);
  EXPECT_EQ(account_.held(Resource::kSlabBytes), 256 * kKiB);
  EXPECT_FALSE(pool_.idle_since(now_ns_).has_value());  // The other one is being read.
  expect_violation(received_.retire(object_bytes(event)));
  EXPECT_FALSE(received_.open({idle->slab, idle->generation + 1, 0, 1}).has_value());
}

TEST_F(SlabTest, DescriptorsThatLieAreViolations) {
  carry("x").reset();
  EXPECT_EQ(give_credits(), 1);
  const std::uint32_t next = last_.generation + 1;
  const std::uint64_t bytes = 64 * kKiB;
  for (const MappedDescriptor bad : {MappedDescriptor{last_.slab, next, 0, bytes + 1},
                                     MappedDescriptor{last_.slab, next, bytes + 1, 0},
                                     MappedDescriptor{last_.slab, next, ~std::uint64_t{0}, 2},
                                     MappedDescriptor{last_.slab, next + 1, 0, 1},
                                     MappedDescriptor{last_.slab, last_.generation, 0, 1},
                                     MappedDescriptor{last_.slab + 7, next, 0, 1}}) {
    const auto opened = received_.open(bad);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::kProtocolViolation);
  }
  EXPECT_TRUE(received_.open({last_.slab, next, bytes, 0}).has_value());
}

/// 0 is the number of no use, also behind the last one of a slab.
TEST_F(SlabTest, GenerationZeroIsAViolationWhereverItStands) {
  auto grant = pool_.try_grant(1, next_slab_);
  const std::uint32_t last = 0xffff'ffff;
  const MemoryEvent unnumbered{sizeof(unnumbered), 1, 0, MemoryLife::kStays, grant->file_bytes};
  expect_violation(
      received_.keep(object_bytes(unnumbered), UniqueFd(::dup(grant->new_file.get()))));
  expect_violation(received_.note_lost(object_bytes(unnumbered)));
  const MemoryEvent event{sizeof(event), 1, last, MemoryLife::kStays, grant->file_bytes};
  ASSERT_TRUE(received_.keep(object_bytes(event), std::move(grant->new_file)));
  ASSERT_TRUE(received_.open({1, last, 0, 1}).has_value());
  ASSERT_TRUE(received_.take_credit().has_value());
  const auto opened = received_.open({1, 0, 0, 1});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kProtocolViolation);
  expect_violation(pool_.take_back(1, 0, now_ns_));
}

TEST_F(SlabTest, ASlabThatWasNeverUsedIsNotRetired) {
  auto grant = pool_.try_grant(1, next_slab_);
  const MemoryEvent event{sizeof(event), 1, 1, MemoryLife::kStays, grant->file_bytes};
  ASSERT_TRUE(received_.keep(object_bytes(event), std::move(grant->new_file)));
  expect_violation(received_.retire(object_bytes(SlabEvent{sizeof(SlabEvent), 1, 0, 0})));
  EXPECT_EQ(received_.slab_count(), 1U);
}

TEST_F(SlabTest, SlabsAreRefusedWhereNobodyAgreedToThem) {
  ReceivedMemory daemon({.files_max = 4, .slabs_max = 0});
  auto grant = pool_.try_grant(1, next_slab_);
  const MemoryEvent event{sizeof(event), 1, 1, MemoryLife::kStays, grant->file_bytes};
  expect_violation(daemon.keep(object_bytes(event), std::move(grant->new_file)));
}

TEST_F(SlabTest, SlabsWithoutTheirSealsOrSizeAreRefused) {
  const MemoryEvent event{sizeof(event), 9, 1, MemoryLife::kStays, 64 * kKiB};
  UniqueFd plain(::memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(plain.get(), 64 * kKiB), 0);
  expect_violation(received_.keep(object_bytes(event), std::move(plain)));
  auto grant = pool_.try_grant(100 * kKiB, next_slab_);
  expect_violation(received_.keep(object_bytes(event), std::move(grant->new_file)));
  expect_violation(received_.keep(object_bytes(event), UniqueFd()));
}

}  // namespace
}  // namespace mcpwire::ring
