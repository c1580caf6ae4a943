// SPDX-License-Identifier: MIT
//
// DoomedPair: two ends of a connection on real segments, each reading the other's through a mapping
// of its own. One of them, the doomed, will act in a forked child and die there; the survivor stays
// in the test. Built anew for each death.
//
// Threading: one thread.
#pragma once

#include "ring/control_socket.hpp"
#include "ring/waiter.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/socket_pair.hpp"
#include "tests/ring/stepped_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace mcpwire::ring {

enum class RingState { kEmpty, kOne, kFullButOne, kFull, kWrapped };

/// What the operation under test pushes or takes: two granules.
inline constexpr std::uint32_t kRecordPayloadBytes = 70;
/// One granule.
inline constexpr std::uint32_t kFillerPayloadBytes = 20;

/// The operation must take the same instructions each time, and the machine's clock does not.
class StoppedClock final : public Clock {
 public:
  std::uint64_t monotonic_ns() const noexcept override { return 1; }
  std::uint64_t realtime_ns() const noexcept override { return 1; }
};

struct Pushed {
  std::uint64_t correlation = 0;
  std::uint32_t payload_bytes = 0;
};

inline PeerSegment attach_to(const OwnedSegment& segment) {
  auto attached =
      PeerSegment::attach(UniqueFd(::fcntl(segment.fd(), F_DUPFD_CLOEXEC, 0)), kRingBytesMin);
  EXPECT_TRUE(attached.has_value());
  return std::move(attached).value();
}

/// One end: what it writes, what it sees of the other, and its way of waiting.
struct End {
  End(const OwnedSegment& own, const PeerSegment& peer, int socket_fd, const Clock& clock)
      : consumer(own.memory(), peer.memory()),
        producer(own.memory(), peer.memory()),
        socket(socket_fd),
        waiter(consumer, producer, clock, {.socket_fd = socket_fd, .spin_ns = 0, .processors = 2}) {
  }

  bool push(std::uint64_t correlation, std::uint32_t payload_bytes) {
    const std::string payload = pattern(correlation, payload_bytes);
    return producer.try_push(request_header(), correlation, as_bytes(payload), {});
  }

  void ring_if_needed() {
    if (producer.peer_needs_doorbell()) static_cast<void>(ring_doorbell(socket));
  }

  Consumer consumer;
  Producer producer;
  int socket;
  Waiter waiter;
};

class DoomedPair {
 public:
  /// `writer` is the end whose ring gets into `state`.
  enum class Writer { kDoomed, kSurvivor };
  DoomedPair(Writer writer, RingState state) {
    for (const SegmentMemory& memory : {doomed_segment.memory(), survivor_segment.memory()}) {
      SteppedChild::inherit(memory.page, segment_bytes(kRingBytesMin));
    }
    for (const PeerMemory& memory : {doomed_view.memory(), survivor_view.memory()}) {
      SteppedChild::inherit(memory.page, segment_bytes(kRingBytesMin));
    }
    warm_up();
    writer == Writer::kDoomed ? fill(doomed, survivor, state) : fill(survivor, doomed, state);
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      payloads[i] = pattern(next_correlation + i, kRecordPayloadBytes);
    }
  }

  /// To be called when the child runs: only its copy of the doomed end's socket is left.
  void close_doomed_socket() { sockets.far.reset(); }

  StoppedClock clock;
  OwnedSegment doomed_segment = make_segment(kRingBytesMin);
  OwnedSegment survivor_segment = make_segment(kRingBytesMin);
  PeerSegment doomed_view = attach_to(doomed_segment);      ///< The survivor's.
  PeerSegment survivor_view = attach_to(survivor_segment);  ///< The doomed one's.
  SocketPair sockets;
  End doomed{doomed_segment, survivor_view, sockets.far.get(), clock};
  End survivor{survivor_segment, doomed_view, sockets.near.get(), clock};
  /// What is in the ring before the operation.
  std::vector<Pushed> pushed;
  std::uint64_t next_correlation = 0;
  /// What the operation pushes, under next_correlation and the numbers behind it.
  std::array<std::string, 3> payloads;

 private:
  /// The dynamic linker looks a function up when it is first called: not in the stepped child.
  void warm_up() {
    static_cast<void>(ring_doorbell(doomed.socket));
    EXPECT_EQ(survivor.waiter.wait_blocking(0).value(), WaitOutcome::kTimeout);
    while (take_doorbell(survivor.socket) == SocketState::kDoorbell) {
    }
    const timespec at_once{};
    ::ppoll(nullptr, 0, &at_once, nullptr);
  }

  void push(End& from, std::uint32_t payload_bytes) {
    ASSERT_TRUE(from.push(next_correlation, payload_bytes));
    pushed.push_back({next_correlation++, payload_bytes});
  }

  static void drain(Consumer& consumer) {
    while (consumer.peek().value().has_value()) consumer.release();
    static_cast<void>(consumer.peer_waits_for_space());
  }

  /// One lap and, for kWrapped, another one up to its last two granules: what lies in the ring are
  /// records of an earlier lap, commit words included, and not zeroes.
  void fill(End& from, End& to, RingState state) {
    const std::uint32_t granules = kRingBytesMin / kGranuleBytes;
    const std::uint32_t before = state == RingState::kWrapped ? 2 * granules - 2 : granules;
    for (std::uint32_t i = 0; i < before; ++i) {
      ASSERT_TRUE(from.push(i, kFillerPayloadBytes));
      drain(to.consumer);
    }
    next_correlation = before;
    if (state == RingState::kOne || state == RingState::kWrapped) push(from, kFillerPayloadBytes);
    if (state == RingState::kFullButOne) {
      while (from.producer.has_space(kRecordPayloadBytes + kGranuleBytes).value()) {
        push(from, kFillerPayloadBytes);
      }
    }
    if (state == RingState::kFull) {
      while (from.producer.has_space(kFillerPayloadBytes).value()) push(from, kFillerPayloadBytes);
    }
  }
};

}  // namespace mcpwire::ring
