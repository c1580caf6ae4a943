// SPDX-License-Identifier: MIT
//
// Two processes, two rings, nothing but ring/ and protocol/. Each makes a segment and hands its
// descriptor to the other over the control socket; the parent sends requests, the child answers
// and then ends, and the parent hears of it. Prints what it saw; ends with 0 if that was right.
#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/segment.hpp"
#include "ring/waiter.hpp"

#include <array>
#include <cstdio>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace mcpwire;
using protocol::FrameKind;
using protocol::Method;

constexpr std::uint32_t kRingBytes = 8 * 1024;
constexpr std::uint64_t kSpinNs = 20 * kNanosecondsPerMicrosecond;
constexpr std::uint64_t kPatienceNs = 10 * kNanosecondsPerSecond;
constexpr std::uint32_t kRequestBytesMax = 16;
constexpr int kRequests = 1000;  // More than fit into the ring at once.

/// Makes our segment, sends its descriptor, maps the one that comes back.
struct Segments {
  static Result<Segments> exchange(int socket) {
    auto own = TRY(ring::OwnedSegment::create({.ring_bytes = kRingBytes}));
    const auto hello = protocol::make_header(FrameKind::kRequest, Method::kHello);
    if (TRY(ring::send_frame(socket, {hello, 1, {}, {}, own.fd()})) != ring::SendStatus::kSent) {
      return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
    }
    own.close_fd();  // The mapping is enough.
    pollfd readable{socket, POLLIN, 0};
    ::poll(&readable, 1, -1);
    std::array<std::byte, 256> buffer;
    auto frame = TRY(ring::recv_frame(socket, buffer));
    if (!frame) return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded);
    auto peer = TRY(ring::PeerSegment::attach(std::move(frame->attached), kRingBytes));
    return Segments{std::move(own), std::move(peer)};
  }
  ring::OwnedSegment own;
  ring::PeerSegment peer;
};

/// One end of the connection.
class End {
 public:
  End(const Segments& segments, int socket)
      : consumer_(segments.own.memory(), segments.peer.memory()),
        producer_(segments.own.memory(), segments.peer.memory()),
        waiter_(consumer_, producer_, clock_,
                {.socket_fd = socket, .spin_ns = kSpinNs, .spin_leave_of = segments.peer.memory()}),
        socket_(socket) {}

  /// False if the ring is full, and then nothing was sent.
  Result<bool> try_send(FrameKind kind, std::uint64_t correlation, std::string_view text) {
    const auto header = protocol::make_header(kind, Method::kPing);
    if (!producer_.try_push(header, correlation, as_bytes(text), {})) return false;
    if (producer_.peer_needs_doorbell()) TRY(ring::ring_doorbell(socket_));
    return true;
  }

  /// The next message, copied out of the ring before anything looks at it; nothing if there is
  /// none. A peer that breaks the rules is an error: close the connection.
  Result<std::optional<std::string>> try_receive() {
    const auto frame = TRY(consumer_.peek());
    if (!frame) return std::nullopt;
    std::string text(as_text(frame->volatile_payload));
    consumer_.release();
    return text;
  }

  /// Until there is something to receive (or room for `wanted_bytes`), or the peer is gone.
  Result<ring::WaitOutcome> wait_blocking(std::optional<std::uint32_t> wanted_bytes = {}) {
    return waiter_.wait_blocking(clock_.monotonic_ns() + kPatienceNs, wanted_bytes);
  }

 private:
  SystemClock clock_;
  ring::Consumer consumer_;
  ring::Producer producer_;
  ring::Waiter waiter_;
  int socket_;
};

/// The child: answers each request, then ends without a word. Whoever waits for room takes what
/// arrives meanwhile: two ends that both waited for room only would wait for each other.
Result<void> answer_all(int socket) {
  const Segments segments = TRY(Segments::exchange(socket));
  End end(segments, socket);
  std::deque<std::string> unsent;
  for (std::uint64_t answered = 0; answered < kRequests;) {
    while (const auto request = TRY(end.try_receive())) unsent.push_back("answer to " + *request);
    while (!unsent.empty() &&
           TRY(end.try_send(FrameKind::kResponse, answered + 1, unsent.front()))) {
      unsent.pop_front();
      ++answered;
    }
    if (answered == kRequests) break;
    std::optional<std::uint32_t> wanted_bytes;  // Of room; without it data alone ends the wait.
    if (!unsent.empty()) wanted_bytes = static_cast<std::uint32_t>(unsent.front().size());
    const auto outcome = TRY(end.wait_blocking(wanted_bytes));
    if (outcome != ring::WaitOutcome::kData && outcome != ring::WaitOutcome::kSpace) break;
  }
  return {};
}

/// The parent: requests and answers at the same time, as far as there is room.
Result<int> ask_all(int socket) {
  const Segments segments = TRY(Segments::exchange(socket));
  End end(segments, socket);
  int answers = 0;
  for (std::uint64_t asked = 0; answers < kRequests;) {
    while (asked < kRequests &&
           TRY(end.try_send(FrameKind::kRequest, asked + 1, std::to_string(asked)))) {
      ++asked;
    }
    while (const auto answer = TRY(end.try_receive())) {
      if (*answer != "answer to " + std::to_string(answers)) return answers;
      ++answers;
    }
    if (answers == kRequests) break;
    // Everything may have been answered while there was no room for the next request.
    std::optional<std::uint32_t> wanted_bytes;
    if (asked < kRequests) wanted_bytes = kRequestBytesMax;
    const auto outcome = TRY(end.wait_blocking(wanted_bytes));
    if (outcome != ring::WaitOutcome::kData && outcome != ring::WaitOutcome::kSpace) {
      return answers;
    }
  }
  // All there was has been taken; now the child ends, and that ends the wait.
  return TRY(end.wait_blocking()) == ring::WaitOutcome::kPeerGone ? answers : -1;
}

}  // namespace

int main() {
  std::array<int, 2> sockets{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0) return 1;
  const pid_t child = ::fork();
  if (child < 0) return 1;
  if (child == 0) {
    ::close(sockets[0]);
    return answer_all(sockets[1]) ? 0 : 1;
  }
  ::close(sockets[1]);
  const auto answers = ask_all(sockets[0]);
  int status = -1;
  ::waitpid(child, &status, 0);
  if (!answers) {
    std::fprintf(stderr, "%s\n", answers.error().message().c_str());
    return 1;
  }
  std::printf("%d answers, then the end of the peer was noticed\n", *answers);
  return *answers == kRequests && status == 0 ? 0 : 1;
}
