// SPDX-License-Identifier: MIT
//
// Both ends of one connection in one process and on one mapping, for tests.
#pragma once

#include "protocol/base/bytes.hpp"
#include "ring/segment.hpp"
#include "ring/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mcpwire::ring {

inline OwnedSegment make_segment(std::uint32_t ring_bytes) {
  auto segment = OwnedSegment::create({.ring_bytes = ring_bytes});
  EXPECT_TRUE(segment.has_value());
  return std::move(segment).value();
}

inline protocol::RequestHeader request_header() {
  return protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kCallTool);
}

/// Bytes that depend on `seed`, so that a shifted or stale copy does not match.
inline std::string pattern(std::uint64_t seed, std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint64_t state = seed * 0x9e37'79b9'7f4a'7c15 + 1;
  for (char& byte : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(state >> 56);
  }
  return text;
}

/// Two segments; "sender" owns the ring under test, "receiver" reads it.
struct RingPair {
  explicit RingPair(std::uint32_t ring_bytes = kRingBytesMin, std::uint64_t start = 0)
      : sender_segment(make_segment(ring_bytes)),
        receiver_segment(make_segment(ring_bytes)),
        // The consumer first: it publishes the start position that the producer counts from.
        consumer(receiver_segment.memory(), sender_segment.memory(), start),
        producer(sender_segment.memory(), receiver_segment.memory(), start) {}

  bool push(std::string_view payload, std::uint64_t correlation = 1) {
    return producer.try_push(request_header(), correlation, as_bytes(payload), {});
  }

  /// The next payload, copied and released; fails the test if there is none.
  std::string pop(std::uint64_t* correlation = nullptr) {
    const auto frame = consumer.peek();
    EXPECT_TRUE(frame.has_value());
    if (!frame.has_value() || !frame->has_value()) {
      ADD_FAILURE() << "no frame";
      return {};
    }
    std::string payload((*frame)->volatile_payload.size(), '\0');
    std::memcpy(payload.data(), (*frame)->volatile_payload.data(), payload.size());
    if (correlation != nullptr) *correlation = (*frame)->header.correlation;
    consumer.release();
    return payload;
  }

  bool is_empty() {
    const auto frame = consumer.peek();
    EXPECT_TRUE(frame.has_value());
    return frame.has_value() && !frame->has_value();
  }

  OwnedSegment sender_segment;
  OwnedSegment receiver_segment;
  Consumer consumer;
  Producer producer;
};

}  // namespace mcpwire::ring
