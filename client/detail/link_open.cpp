// SPDX-License-Identifier: MIT
//
// The first part of a link's life: who is at the other end, and what both sides agree on.
#include "client/detail/hello.hpp"
#include "client/detail/interruption.hpp"
#include "client/detail/link.hpp"
#include "client/detail/violation.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

namespace {

constexpr std::uint64_t kHelloCorrelation = 1;

/// A link cannot change its mind after HELLO: whoever opens it asks for a socket next time.
Error no_shared_memory(Error why) {
  // What the daemon sent is its fault, not a lack of ours.
  if (why.kind != ErrorKind::kInvalid) why.code = ErrorCode::kNoSharedMemory;
  return why;
}

Result<void> check_daemon_user(int socket_fd) {
  const uid_t daemon_uid = TRY(ring::peer_uid(socket_fd));
  if (daemon_uid == ::geteuid()) return {};
  return fail(ErrorKind::kInvalid, ErrorCode::kPeerRefused,
              "the process that listens there belongs to user " + std::to_string(daemon_uid) +
                  ": nothing was sent to it");
}

std::string name_of_peer(int socket_fd) {
  const Result<pid_t> process_id = ring::peer_pid(socket_fd);
  return process_id ? "mcpwired (pid " + std::to_string(*process_id) + ")" : "mcpwired";
}

Result<void> add_to_epoll(int epoll_fd, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0) return {};
  return fail(Error::from_errno(ErrorKind::kInvalid, errno, "epoll_ctl"));
}

}  // namespace

Link::Rings::Rings(ring::OwnedSegment own, ring::PeerSegment peer, ring::WaiterOptions options)
    : own_segment(std::move(own)),
      peer_segment(std::move(peer)),
      producer(own_segment.memory(), peer_segment.memory()),
      consumer(own_segment.memory(), peer_segment.memory()),
      call_words(own_segment.memory(), peer_segment.memory()),
      waiter(consumer, producer, clock, options) {}

Result<std::unique_ptr<Link>> Link::open(UniqueFd socket, const ConnectOptions& options,
                                         const std::string& hello, std::uint64_t deadline_ns) {
  TRY(check_daemon_user(socket.get()));
  std::unique_ptr<Link> link(new Link(std::move(socket), options));
  TRY(link->watch_peer());
  TRY(link->shake_hands(hello, deadline_ns));
  return link;
}

Result<void> Link::watch_peer() {
  // Without a pidfd the socket's end of file still tells, only later.
  if (auto pidfd = ring::peer_pidfd(socket_.get(), ring::KernelAbility::kUseIfPresent)) {
    pidfd_ = std::move(*pidfd);
  }
  if (interrupt_.fd < 0) return {};
  // The ring's waiter watches one descriptor beside the socket: this one stands for both.
  watched_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!watched_) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "epoll_create1"));
  if (pidfd_) TRY(add_to_epoll(watched_.get(), pidfd_.get()));
  return add_to_epoll(watched_.get(), interrupt_.fd);
}

/// From here on the waiter's descriptor stands for the peer alone. Made anew, for the source's
/// number may be closed already while its file lives on in another process.
Result<void> Link::forget_interrupt() {
  interrupt_ = {};
  const UniqueFd peer_alone(::epoll_create1(EPOLL_CLOEXEC));
  if (!peer_alone || ::dup3(peer_alone.get(), watched_.get(), O_CLOEXEC) < 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "epoll_create1"));
  }
  return pidfd_ ? add_to_epoll(watched_.get(), pidfd_.get()) : Result<void>{};
}

Result<void> Link::shake_hands(const std::string& hello, std::uint64_t deadline_ns) {
  std::optional<ring::OwnedSegment> segment;
  if (wished_ring_bytes_ != 0) {
    auto made = ring::OwnedSegment::create({wished_ring_bytes_});
    if (!made) return fail(no_shared_memory(std::move(made).error()));
    segment = std::move(*made);
  }
  const ring::OutgoingFrame frame{protocol::make_header(FrameKind::kRequest, Method::kHello),
                                  kHelloCorrelation,
                                  as_bytes(hello),
                                  {},
                                  segment ? segment->fd() : -1};
  buffer_.resize(protocol::kSocketFrameBytesMax);
  const auto sent = ring::send_frame(socket_.get(), frame);
  if (!sent && sent.error().kind != ErrorKind::kDisconnected) return fail(sent.error());
  if (sent && *sent != ring::SendStatus::kSent) {
    return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  }
  for (;;) {
    std::optional<ring::ReceivedFrame> reply = TRY(receive_or_last_words());
    if (reply) return finish_handshake(std::move(*reply), std::move(segment));
    switch (wait_ready({socket_.get(), POLLIN, pidfd_.get()}, deadline_ns, interrupt_)) {
      case WaitEnd::kReady:
        if (pidfd_ && wait_readable(pidfd_.get(), 0, {}) == WaitEnd::kReady) {
          // Its last words may still be there; the next look at the socket decides.
          pidfd_.reset();
          reply = TRY(receive_or_last_words());
          if (reply) return finish_handshake(std::move(*reply), std::move(segment));
          return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
        }
        break;
      case WaitEnd::kTimeout:
        return fail(ErrorKind::kTimeout, ErrorCode::kDaemonUnreachable,
                    name_of_peer(socket_.get()) + " runs, but does not answer (is it stopped?)");
      case WaitEnd::kInterrupted:
        return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    }
  }
}

/// A daemon that turns us away says why and closes: our unread HELLO then makes the kernel report a
/// reset first, and its words behind that.
Result<std::optional<ring::ReceivedFrame>> Link::receive_or_last_words() {
  auto frame = ring::recv_frame(socket_.get(), buffer_);
  if (frame || frame.error().kind != ErrorKind::kDisconnected) return frame;
  return ring::recv_frame(socket_.get(), buffer_);
}

Result<void> Link::finish_handshake(ring::ReceivedFrame frame,
                                    std::optional<ring::OwnedSegment> segment) {
  const FrameKind kind = protocol::kind_of(frame.header.request.flags);
  if (frame.header.request.method != static_cast<std::uint32_t>(Method::kHello)) {
    return violation("first frame that is no answer to HELLO");
  }
  if (kind == FrameKind::kError) return fail(refusal_error(frame.payload));
  const bool is_answer =
      frame.header.request.flags == protocol::make_flags(FrameKind::kResponse, Outcome::kOk) &&
      frame.header.correlation == kHelloCorrelation;
  if (!is_answer) return violation("malformed answer to HELLO");
  agreement_ = TRY(parse_hello_reply(frame.payload, wished_ring_bytes_));
  if (agreement_.ring_bytes == 0) return {};
  if (frame.lost_attachment) {
    return fail(no_shared_memory(Error::from_errno(ErrorKind::kOverloaded, EMFILE, "recvmsg")));
  }
  auto used = use_rings(*std::move(segment), std::move(frame.attached), agreement_.ring_bytes);
  if (!used) return fail(no_shared_memory(std::move(used).error()));
  return {};
}

Result<void> Link::use_rings(ring::OwnedSegment own, UniqueFd peer_segment,
                             std::uint32_t ring_bytes) {
  auto attached = ring::PeerSegment::attach(std::move(peer_segment), ring_bytes);
  if (!attached) return fail(with_reason(attached.error(), "unacceptable segment"));
  ring::PeerSegment peer = *std::move(attached);
  own.close_fd();
  ring::WaiterOptions waiting{.socket_fd = socket_.get(),
                              .peer_pidfd = watched_ ? watched_.get() : pidfd_.get(),
                              .spin_ns = spin_ns_};
  if (spin_leave_ == SpinLeave::kHeed) waiting.spin_leave_of = peer.memory();
  rings_ = std::make_unique<Rings>(std::move(own), std::move(peer), waiting);
  return {};
}

}  // namespace mcpwire::client::detail
