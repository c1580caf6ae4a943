// SPDX-License-Identifier: MIT
#include "ring/sealed_payload.hpp"

#include "protocol/request_header.hpp"
#include "tests/ring/ring_pair.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mcpwire::ring {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

UniqueFd handmade(std::string_view text, int seals) {
  UniqueFd fd(::memfd_create("handmade", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  if (seals != 0) {
    EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  }
  return fd;
}

void expect_refused(UniqueFd fd, std::uint64_t bytes) {
  const auto mapping = SealedMapping::map(std::move(fd), bytes);
  ASSERT_FALSE(mapping.has_value());
  EXPECT_EQ(mapping.error().code, ErrorCode::kProtocolViolation);
}

class SealedPayloadTest : public testing::TestWithParam<KernelAbility> {};

TEST_P(SealedPayloadTest, BytesArriveAndNobodyCanChangeThem) {
  const std::string body = pattern(3, 300'000);
  auto fd = create_sealed(as_bytes("head"), as_bytes(body), GetParam());
  ASSERT_TRUE(fd.has_value());
  const int raw = fd->get();
  EXPECT_EQ(::pwrite(raw, "x", 1, 0), -1);
  EXPECT_EQ(::ftruncate(raw, 1), -1);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, raw, 0), MAP_FAILED);
  const auto mapping = SealedMapping::map(std::move(*fd), body.size() + 4);
  ASSERT_TRUE(mapping.has_value());
  EXPECT_EQ(as_text(mapping->bytes()), "head" + body);
}

INSTANTIATE_TEST_SUITE_P(NoExecSeal, SealedPayloadTest,
                         testing::Values(KernelAbility::kUseIfPresent, KernelAbility::kHidden));

TEST(SealedMappingTest, EachMissingSealIsRefused) {
  EXPECT_TRUE(SealedMapping::map(handmade("text", kSeals), 4).has_value());
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_SEAL}) {
    expect_refused(handmade("text", kSeals & ~missing), 4);
  }
  expect_refused(handmade("text", 0), 4);
}

TEST(SealedMappingTest, FutureWriteIsNotEnough) {
  expect_refused(handmade("text", (kSeals & ~F_SEAL_WRITE) | F_SEAL_FUTURE_WRITE), 4);
}

TEST(SealedMappingTest, AnotherSizeThanAnnouncedIsRefused) {
  expect_refused(handmade("text", kSeals), 3);
  expect_refused(handmade("text", kSeals), 5);
  expect_refused(handmade("", kSeals), 0);
}

TEST(SealedMappingTest, WhatIsNoMemoryFileIsRefused) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  expect_refused(UniqueFd(ends[0]), 4);
  expect_refused(UniqueFd(ends[1]), 4);
}

TEST(SealedPayloadLimitTest, NothingAndTooMuchAreRefused) {
  EXPECT_FALSE(create_sealed({}, {}).has_value());
  expect_refused(handmade("text", kSeals), protocol::kMessageBytesMax + 1);
}

}  // namespace
}  // namespace mcpwire::ring
