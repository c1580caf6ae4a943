// SPDX-License-Identifier: MIT
#include "io/detail/frame_allocator.hpp"

#include <gtest/gtest.h>
#include <cstring>
#include <thread>
#include <vector>

namespace mcpwire::io::detail {
namespace {

TEST(FrameAllocatorTest, GivesMemoryOfEachSizeThatCanBeFilled) {
  std::vector<std::pair<void*, std::size_t>> frames;
  for (std::size_t bytes = 1; bytes <= 2048; bytes += 37) {
    void* frame = allocate_frame(bytes);
    std::memset(frame, 0xa5, bytes);
    frames.emplace_back(frame, bytes);
  }
  for (const auto& [frame, bytes] : frames) {
    EXPECT_EQ(static_cast<unsigned char*>(frame)[bytes - 1], 0xa5);
    free_frame(frame, bytes);
  }
}

TEST(FrameAllocatorTest, FramesThatAreAliveNeverShareMemory) {
  std::vector<unsigned char*> frames;
  for (int round = 0; round < 3; ++round) {
    for (unsigned char mark = 0; mark < 100; ++mark) {
      frames.push_back(static_cast<unsigned char*>(allocate_frame(200)));
      std::memset(frames.back(), mark, 200);
    }
    for (unsigned char mark = 0; mark < 100; ++mark) {
      EXPECT_EQ(frames[mark][0], mark);
      EXPECT_EQ(frames[mark][199], mark);
      free_frame(frames[mark], 200);
    }
    frames.clear();
  }
}

// A thread that ends gives its kept frames back: LeakSanitizer watches.
TEST(FrameAllocatorTest, AThreadLeavesNothingBehind) {
  std::thread([] {
    std::vector<void*> frames;
    for (int count = 0; count < 32; ++count) frames.push_back(allocate_frame(128));
    for (void* frame : frames) free_frame(frame, 128);
  }).join();
}

}  // namespace
}  // namespace mcpwire::io::detail
