// SPDX-License-Identifier: MIT
#include "ring/segment.hpp"

#include "tests/ring/ring_pair.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mcpwire::ring {
namespace {

constexpr std::uint32_t kRing = 8192;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

UniqueFd duplicate(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

void expect_refused(UniqueFd fd, std::uint32_t ring_bytes = kRing) {
  const auto peer = PeerSegment::attach(std::move(fd), ring_bytes);
  ASSERT_FALSE(peer.has_value());
  EXPECT_EQ(peer.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(peer.error().code, ErrorCode::kProtocolViolation);
}

/// A memory file with correct constants, of `file_bytes`, carrying `seals`.
UniqueFd handmade(std::size_t file_bytes, int seals,
                  SegmentConstants constants = make_constants(kRing)) {
  UniqueFd fd(::memfd_create("handmade", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_TRUE(fd);
  EXPECT_EQ(::write(fd.get(), &constants, sizeof(constants)), ssize_t{sizeof(constants)});
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(file_bytes)), 0);
  if (seals != 0) {
    EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  }
  return fd;
}

TEST(SegmentTest, ThePeerSeesWhatTheOwnerWrites) {
  const OwnedSegment own = make_segment(kRing);
  const auto peer = PeerSegment::attach(duplicate(own.fd()), kRing);
  ASSERT_TRUE(peer.has_value());
  own.memory().ring[kRing - 1] = std::byte{42};
  EXPECT_EQ(peer->memory().ring[kRing - 1], std::byte{42});
  EXPECT_EQ(peer->memory().ring_bytes, kRing);
}

class SegmentSealTest : public testing::TestWithParam<KernelAbility> {};

TEST_P(SegmentSealTest, NobodyElseCanWriteOrResizeIt) {
  const auto own = OwnedSegment::create({.ring_bytes = kRing, .no_exec_seal = GetParam()});
  ASSERT_TRUE(own.has_value());
  EXPECT_EQ(::fcntl(own->fd(), F_GET_SEALS) & kSeals, kSeals);
  EXPECT_EQ(::ftruncate(own->fd(), 4096), -1);
  EXPECT_EQ(::ftruncate(own->fd(), 1 << 20), -1);
  EXPECT_EQ(::pwrite(own->fd(), "x", 1, 0), -1);
  void* writable = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, own->fd(), 0);
  EXPECT_EQ(writable, MAP_FAILED);
  EXPECT_TRUE(PeerSegment::attach(duplicate(own->fd()), kRing).has_value());
}

INSTANTIATE_TEST_SUITE_P(NoExecSeal, SegmentSealTest,
                         testing::Values(KernelAbility::kUseIfPresent, KernelAbility::kHidden));

TEST(SegmentTest, ThePeersMappingCannotBeMadeWritable) {
  const OwnedSegment own = make_segment(kRing);
  const auto peer = PeerSegment::attach(duplicate(own.fd()), kRing);
  ASSERT_TRUE(peer.has_value());
  void* page = const_cast<ControlPage*>(peer->memory().page);
  EXPECT_EQ(::mprotect(page, 4096, PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
}

TEST(SegmentTest, SizesThatAreNoPowerOfTwoOrOutOfRangeAreRefused) {
  for (const std::uint32_t bytes : {0u, 1u, 2048u, 4095u, 4097u, 12288u, 2u << 20, 0xffff'ffffu}) {
    EXPECT_FALSE(OwnedSegment::create({.ring_bytes = bytes}).has_value()) << bytes;
    expect_refused(UniqueFd(), bytes);
  }
  for (std::uint32_t bytes = kRingBytesMin; bytes <= kRingBytesMax; bytes *= 2) {
    EXPECT_TRUE(OwnedSegment::create({.ring_bytes = bytes}).has_value()) << bytes;
  }
}

TEST(SegmentTest, AHandmadeSegmentWithEverySealIsAccepted) {
  EXPECT_TRUE(PeerSegment::attach(handmade(segment_bytes(kRing), kSeals), kRing).has_value());
}

TEST(SegmentTest, EachMissingSealIsRefused) {
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL}) {
    SCOPED_TRACE(missing);
    expect_refused(handmade(segment_bytes(kRing), kSeals & ~missing));
  }
  expect_refused(handmade(segment_bytes(kRing), 0));
}

TEST(SegmentTest, ShortAndOversizeFilesAreRefused) {
  expect_refused(handmade(segment_bytes(kRing) - 1, kSeals));
  expect_refused(handmade(segment_bytes(kRing) - 4096, kSeals));
  expect_refused(handmade(segment_bytes(kRing) + 4096, kSeals));
}

TEST(SegmentTest, AnotherRingSizeThanAnnouncedIsRefused) {
  const OwnedSegment own = make_segment(kRing);
  expect_refused(duplicate(own.fd()), kRing * 2);
  expect_refused(handmade(segment_bytes(kRing), kSeals, make_constants(kRing * 2)));
}

TEST(SegmentTest, WrongConstantsAreRefused) {
  SegmentConstants constants = make_constants(kRing);
  constants.magic ^= 1;
  expect_refused(handmade(segment_bytes(kRing), kSeals, constants));
  constants = make_constants(kRing);
  constants.layout_version += 1;
  expect_refused(handmade(segment_bytes(kRing), kSeals, constants));
  constants = make_constants(kRing);
  constants.reserved = 1;
  expect_refused(handmade(segment_bytes(kRing), kSeals, constants));
}

TEST(SegmentTest, WhatIsNoMemoryFileIsRefused) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  expect_refused(UniqueFd(ends[0]));
  expect_refused(UniqueFd(ends[1]));
  expect_refused(UniqueFd(::open("/dev/zero", O_RDWR | O_CLOEXEC)));
  UniqueFd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) {
    ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(segment_bytes(kRing))), 0);
    expect_refused(std::move(file));
  }
  expect_refused(UniqueFd());
}

TEST(SegmentTest, TheMappingOutlivesTheDescriptor) {
  OwnedSegment own = make_segment(kRing);
  const auto peer = PeerSegment::attach(duplicate(own.fd()), kRing);
  own.close_fd();
  EXPECT_EQ(own.fd(), -1);
  ASSERT_TRUE(peer.has_value());
  own.memory().ring[0] = std::byte{7};
  EXPECT_EQ(peer->memory().ring[0], std::byte{7});
}

}  // namespace
}  // namespace mcpwire::ring
