// SPDX-License-Identifier: MIT
#include "tests/explorer/ring_world.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

namespace mcpwire::explorer {

namespace {

constexpr std::size_t kSegmentBytes = ring::segment_bytes(ring::kRingBytesMin);

protocol::RequestHeader a_request() {
  return protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kCallTool);
}

/// Every byte of a message; never zero, so that none passes for a zeroed commit word.
constexpr std::byte fill_of(std::uint64_t number) { return std::byte(0x81 + number % 64); }

}  // namespace

ring::SegmentMemory RingWorld::segment(std::size_t side) noexcept {
  std::byte* base = memory_.data() + side * kSegmentBytes;
  return {.page = reinterpret_cast<ring::ControlPage*>(base),
          .ring = base + ring::kControlBytes,
          .ring_bytes = ring::kRingBytesMin};
}

void RingWorld::begin_at(std::uint64_t start) {
  std::ranges::fill(memory_, std::byte{0});
  for (std::size_t side = 0; side < kSides; ++side) {
    const std::uint64_t lap_before = start - ring::kRingBytesMin;
    consumers_[1 - side].emplace(segment(1 - side), segment(side), lap_before);
    producers_[side].emplace(segment(side), segment(1 - side), lap_before);
    lead_in(side, start);
  }
}

void RingWorld::lead_in(std::size_t side, std::uint64_t start) {
  std::uint64_t position = start - ring::kRingBytesMin;
  while (position != start) {
    const std::uint64_t room = ring::kRingBytesMin - position % ring::kRingBytesMin;
    const std::uint64_t record =
        std::min({room, start - position, std::uint64_t{ring::kRingBytesMin / 4}});
    MCPWIRE_CHECK(
        push(side, 0, static_cast<std::uint32_t>(record - sizeof(protocol::FrameHeader))));
    MCPWIRE_CHECK(pop(1 - side, 0));
    position += record;
  }
  // The credits are out, and nobody was asleep.
  MCPWIRE_CHECK(!consumer(1 - side).peer_waits_for_space());
}

static void scribble(MutableByteSpan room, std::uint64_t number) {
  std::memset(room.data(), static_cast<int>(fill_of(number)), room.size());
  plain_wrote(room.data(), room.size());
}

void RingWorld::reserve_and_abort(std::size_t side) {
  const auto room = producer(side).try_reserve(kLargest);
  if (!room) return;
  scribble(*room, 0);
  producer(side).abort();
}

bool RingWorld::push(std::size_t side, std::uint64_t number, std::uint32_t bytes,
                     std::uint32_t reserved) {
  const auto room = producer(side).try_reserve(std::max(bytes, reserved));
  if (!room) return false;
  scribble(*room, number);
  producer(side).commit(a_request(), number, bytes);
  return true;
}

bool RingWorld::pop(std::size_t side, std::uint64_t number) {
  const auto frame = consumer(side).peek();
  if (!frame.has_value()) fail("the consumer saw what no producer writes");
  if (!frame->has_value()) return false;
  const auto& [header, payload] = **frame;
  if (header.correlation != number) fail("a message is missing, or came twice");
  plain_read(payload.data(), payload.size());
  const bool is_whole =
      std::ranges::all_of(payload, [&](std::byte byte) { return byte == fill_of(number); });
  if (!is_whole) fail("a message is torn");
  consumer(side).release();
  return true;
}

std::string RingWorld::describe(std::uint32_t offset) const {
  std::ostringstream text;
  text << (offset < kSegmentBytes ? "0." : "1.");
  const std::size_t within = offset % kSegmentBytes;
  if (within >= ring::kControlBytes) {
    const std::size_t at = within - ring::kControlBytes;
    text << "ring[" << at / ring::kGranuleBytes << ']';
    if (at % ring::kGranuleBytes == offsetof(protocol::FrameHeader, commit)) text << ".commit";
  } else if (within == offsetof(ring::ControlPage, consumer_position)) {
    text << "consumer_position";
  } else if (within == offsetof(ring::ControlPage, wait_word)) {
    text << "wait_word";
  } else if (within == offsetof(ring::ControlPage, space_wait_word)) {
    text << "space_wait_word";
  } else if (within >= offsetof(ring::ControlPage, call_words)) {
    text << "call_words[" << (within - offsetof(ring::ControlPage, call_words)) / 8 << ']';
  }
  return text.str();
}

}  // namespace mcpwire::explorer
