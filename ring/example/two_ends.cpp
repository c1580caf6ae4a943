// SPDX-License-Identifier: MIT
//
// A request and its answer through two rings, both ends in one program: what a client and the
// daemon do in two. Uses ring/ and protocol/ only. Prints the answer and ends with 0.
#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/segment.hpp"
#include "ring/waiter.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>

namespace {

using namespace mcpwire;

constexpr std::uint32_t kRingBytes = 8 * 1024;
constexpr std::uint64_t kSpinNs = 20'000;

/// One end: our segment, the peer's, and what reads and writes them.
struct End {
  End(const ring::OwnedSegment& own, const ring::PeerSegment& peer, int socket_fd)
      : consumer(own.memory(), peer.memory()),
        producer(own.memory(), peer.memory()),
        waiter(consumer, producer, clock, {.socket_fd = socket_fd, .spin_ns = kSpinNs}),
        socket(socket_fd) {}

  bool send(protocol::FrameKind kind, std::uint64_t correlation, std::string_view text) {
    const auto header = protocol::make_header(kind, protocol::Method::kPing);
    if (!producer.try_push(header, correlation, as_bytes(text), {})) return false;
    return !producer.peer_needs_doorbell() || ring::ring_doorbell(socket).has_value();
  }

  /// The next message, copied out of the ring before anything looks at it.
  std::string receive_blocking() {
    const std::uint64_t deadline_ns = clock.monotonic_ns() + 5 * kNanosecondsPerSecond;
    const auto outcome = waiter.wait_blocking(deadline_ns);
    if (!outcome || *outcome != ring::WaitOutcome::kData) return {};
    const auto frame = consumer.peek();
    if (!frame || !*frame) return {};
    std::string text(as_text((*frame)->volatile_payload));
    consumer.release();
    return text;
  }

  SystemClock clock;
  ring::Consumer consumer;
  ring::Producer producer;
  ring::Waiter waiter;
  int socket;
};

/// Maps `segment` as another process would; there the descriptor comes with the handshake.
Result<ring::PeerSegment> attach(const ring::OwnedSegment& segment) {
  return ring::PeerSegment::attach(UniqueFd(::fcntl(segment.fd(), F_DUPFD_CLOEXEC, 0)), kRingBytes);
}

Result<std::string> run() {
  std::array<int, 2> sockets{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, errno, "socketpair"));
  }
  const UniqueFd client_socket(sockets[0]);
  const UniqueFd daemon_socket(sockets[1]);
  const auto client_segment = TRY(ring::OwnedSegment::create({.ring_bytes = kRingBytes}));
  const auto daemon_segment = TRY(ring::OwnedSegment::create({.ring_bytes = kRingBytes}));
  const auto seen_by_client = TRY(attach(daemon_segment));
  const auto seen_by_daemon = TRY(attach(client_segment));

  std::thread daemon([&] {
    End end(daemon_segment, seen_by_daemon, daemon_socket.get());
    end.send(protocol::FrameKind::kResponse, 1, "answer to " + end.receive_blocking());
  });
  End end(client_segment, seen_by_client, client_socket.get());
  end.send(protocol::FrameKind::kRequest, 1, "hello");
  std::string answer = end.receive_blocking();
  daemon.join();
  return answer;
}

}  // namespace

int main() {
  const auto answer = run();
  if (!answer) {
    std::fprintf(stderr, "%s\n", answer.error().message().c_str());
    return 1;
  }
  std::printf("%s\n", answer->c_str());
  return *answer == "answer to hello" ? 0 : 1;
}
