// SPDX-License-Identifier: MIT
//
// One end of a connection for process tests: exchanges segments over a control socket the way the
// handshake does, without its negotiation.
#pragma once

#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/segment.hpp"
#include "ring/waiter.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>

namespace mcpwire::ring {

inline constexpr std::uint32_t kTestRingBytes = 8192;

/// Bytes that depend on `seed`; both processes compute them.
inline std::string test_payload(std::uint64_t seed, std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint64_t state = seed * 0x9e37'79b9'7f4a'7c15 + 1;
  for (char& byte : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(state >> 56);
  }
  return text;
}

inline std::size_t test_payload_bytes(std::uint64_t i) { return (i * 2654435761u >> 7) % 2000; }

class Connection {
 public:
  /// Sends our segment, waits for the peer's. Null if anything fails.
  static std::unique_ptr<Connection> exchange(int socket_fd, std::uint64_t spin_ns) {
    auto own = OwnedSegment::create({.ring_bytes = kTestRingBytes});
    if (!own) return nullptr;
    const OutgoingFrame hello{
        protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kHello),
        1,
        {},
        {},
        own->fd()};
    if (!send_frame(socket_fd, hello)) return nullptr;
    auto frame = receive(socket_fd);
    if (!frame || !*frame) return nullptr;
    auto peer = PeerSegment::attach(std::move((*frame)->attached), kTestRingBytes);
    if (!peer) return nullptr;
    return std::unique_ptr<Connection>(
        new Connection(std::move(*own), std::move(*peer), socket_fd, spin_ns));
  }

  /// Pushes and rings; waits for room if there is none. False if the peer is gone or time is up.
  bool send(std::string_view payload, std::uint64_t correlation, std::uint64_t deadline_ns) {
    const auto header =
        protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kCallTool);
    while (!producer.try_push(header, correlation, as_bytes(payload), {})) {
      const auto outcome =
          waiter.wait_blocking(deadline_ns, static_cast<std::uint32_t>(payload.size()));
      if (!outcome || *outcome != WaitOutcome::kSpace) return false;
    }
    ring_if_needed();
    return true;
  }

  void ring_if_needed() {
    if (producer.peer_needs_doorbell()) static_cast<void>(ring_doorbell(socket));
  }

  std::string take() {
    const FrameView frame = consumer.peek().value().value();
    const std::string payload(as_text(frame.volatile_payload));
    consumer.release();
    return payload;
  }

  OwnedSegment own;
  PeerSegment peer;
  Consumer consumer;
  Producer producer;
  int socket;
  SystemClock clock;
  Waiter waiter;

 private:
  Connection(OwnedSegment own_segment, PeerSegment peer_segment, int socket_fd,
             std::uint64_t spin_ns)
      : own(std::move(own_segment)),
        peer(std::move(peer_segment)),
        consumer(own.memory(), peer.memory()),
        producer(own.memory(), peer.memory()),
        socket(socket_fd),
        waiter(consumer, producer, clock, {.socket_fd = socket_fd, .spin_ns = spin_ns}) {}

  static Result<std::optional<ReceivedFrame>> receive(int socket_fd) {
    static std::array<std::byte, 4096> buffer;
    pollfd watched{socket_fd, POLLIN, 0};
    ::poll(&watched, 1, 10'000);
    return recv_frame(socket_fd, buffer);
  }
};

}  // namespace mcpwire::ring
