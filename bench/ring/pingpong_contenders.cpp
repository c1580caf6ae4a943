// SPDX-License-Identifier: MIT
#include "bench/ring/pingpong_contenders.hpp"

#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/segment.hpp"
#include "ring/waiter.hpp"

#include <atomic>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mcpwire::bench {

namespace {

constexpr std::uint32_t kRingBytes = 64 * 1024;
constexpr std::uint64_t kSpinForEverNs = kNever - 1;

protocol::RequestHeader hello_header() {
  return protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kHello);
}

bool give(int control, int fd) {
  const auto sent = ring::send_frame(control, {hello_header(), 1, {}, {}, fd});
  return sent && *sent == ring::SendStatus::kSent;
}

UniqueFd take(int control) {
  std::vector<std::byte> buffer(256);
  pollfd watched{control, POLLIN, 0};
  ::poll(&watched, 1, 10'000);
  auto frame = ring::recv_frame(control, buffer);
  if (!frame || !*frame) return UniqueFd();
  return std::move((*frame)->attached);
}

class RingContender final : public Contender {
 public:
  RingContender(ring::OwnedSegment own, ring::PeerSegment peer, int control, RingWait wait)
      : own_(std::move(own)),
        peer_(std::move(peer)),
        consumer_(own_.memory(), peer_.memory()),
        producer_(own_.memory(), peer_.memory()),
        waiter_(consumer_, producer_, clock_,
                {.socket_fd = control, .spin_ns = wait == RingWait::kSpin ? kSpinForEverNs : 0}),
        control_(control),
        wait_(wait) {}

  const char* name() const noexcept override {
    return wait_ == RingWait::kSpin ? "ring" : "ring, parked";
  }
  bool sleeps() const noexcept override { return wait_ == RingWait::kPark; }

  bool send(ByteSpan payload) override {
    const auto header =
        protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kCallTool);
    if (!producer_.try_push(header, ++correlation_, payload, {})) return false;
    if (producer_.peer_needs_doorbell()) static_cast<void>(ring::ring_doorbell(control_));
    return true;
  }

  bool receive(MutableByteSpan payload) override {
    const auto outcome = waiter_.wait_blocking(kNever);
    if (!outcome || *outcome != ring::WaitOutcome::kData) return false;
    const auto frame = consumer_.peek();
    if (!frame || !*frame || (*frame)->volatile_payload.size() != payload.size()) return false;
    copy_bytes(payload, (*frame)->volatile_payload);
    consumer_.release();
    return true;
  }

 private:
  ring::OwnedSegment own_;
  ring::PeerSegment peer_;
  SystemClock clock_;
  ring::Consumer consumer_;
  ring::Producer producer_;
  ring::Waiter waiter_;
  int control_;
  RingWait wait_;
  std::uint64_t correlation_ = 0;
};

/// Two blocks in two one-writer segments: sequence number, then payload.
class BareContender final : public Contender {
 public:
  BareContender(ring::OwnedSegment own, ring::PeerSegment peer, int control)
      : own_(std::move(own)), peer_(std::move(peer)), control_(control) {}

  const char* name() const noexcept override { return "bare"; }

  bool send(ByteSpan payload) override {
    std::byte* block = own_.memory().ring;
    std::memcpy(block + sizeof(std::uint32_t), payload.data(), payload.size());
    std::atomic_ref(*reinterpret_cast<std::uint32_t*>(block))
        .store(++sent_, std::memory_order_release);
    return true;
  }

  bool receive(MutableByteSpan payload) override {
    const std::byte* block = peer_.memory().ring;
    auto* word = const_cast<std::uint32_t*>(reinterpret_cast<const std::uint32_t*>(block));
    const std::uint32_t expected = received_ + 1;
    for (std::uint64_t looks = 1;
         std::atomic_ref(*word).load(std::memory_order_acquire) != expected; ++looks) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
      // The end of the peer must not leave us spinning.
      if (looks % (1 << 16) == 0 && ring::take_doorbell(control_) == ring::SocketState::kClosed) {
        return false;
      }
    }
    received_ = expected;
    std::memcpy(payload.data(), block + sizeof(std::uint32_t), payload.size());
    return true;
  }

 private:
  ring::OwnedSegment own_;
  ring::PeerSegment peer_;
  int control_;
  std::uint32_t sent_ = 0;
  std::uint32_t received_ = 0;
};

class SocketContender final : public Contender {
 public:
  SocketContender(UniqueFd socket, SocketKind kind) : socket_(std::move(socket)), kind_(kind) {}

  const char* name() const noexcept override {
    return kind_ == SocketKind::kStream ? "stream" : "seqpacket";
  }
  bool sleeps() const noexcept override { return true; }

  bool send(ByteSpan payload) override {
    return ::send(socket_.get(), payload.data(), payload.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(payload.size());
  }

  bool receive(MutableByteSpan payload) override {
    return ::recv(socket_.get(), payload.data(), payload.size(), MSG_WAITALL) ==
           static_cast<ssize_t>(payload.size());
  }

 private:
  UniqueFd socket_;
  SocketKind kind_;
};

class ByteContender final : public Contender {
 public:
  explicit ByteContender(UniqueFd socket) noexcept : socket_(std::move(socket)) {}

  const char* name() const noexcept override { return "one byte"; }
  bool sleeps() const noexcept override { return true; }
  bool is_signal_only() const noexcept override { return true; }

  bool send(ByteSpan) override {
    const char byte = 1;
    return ::send(socket_.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
  }

  bool receive(MutableByteSpan) override {
    pollfd watched{socket_.get(), POLLIN, 0};
    char byte = 0;
    return ::ppoll(&watched, 1, nullptr, nullptr) == 1 &&
           ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT) == 1;
  }

 private:
  UniqueFd socket_;
};

struct Segments {
  ring::OwnedSegment own;
  ring::PeerSegment peer;
};

std::optional<Segments> exchange_segments(LaneFiles& files) {
  auto own = ring::OwnedSegment::create({.ring_bytes = kRingBytes});
  if (!own || !give(files.control(), own->fd())) return std::nullopt;
  auto peer = ring::PeerSegment::attach(take(files.control()), kRingBytes);
  if (!peer) return std::nullopt;
  return Segments{std::move(*own), std::move(*peer)};
}

}  // namespace

LaneFiles::LaneFiles() {
  std::array<int, 2> ends{-1, -1};
  MCPWIRE_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  ends_[0].reset(ends[0]);
  ends_[1].reset(ends[1]);
}

void LaneFiles::use(Role role) noexcept {
  own_ = std::move(ends_[role == Role::kCaller ? 0 : 1]);
  for (UniqueFd& end : ends_) end.reset();
}

std::unique_ptr<Contender> make_ring_contender(Role, LaneFiles& files, RingWait wait) {
  auto segments = exchange_segments(files);
  if (!segments) return nullptr;
  return std::make_unique<RingContender>(std::move(segments->own), std::move(segments->peer),
                                         files.control(), wait);
}

std::unique_ptr<Contender> make_bare_contender(Role, LaneFiles& files,
                                               std::uint32_t payload_bytes) {
  MCPWIRE_CHECK(payload_bytes + sizeof(std::uint32_t) <= kRingBytes);
  auto segments = exchange_segments(files);
  if (!segments) return nullptr;
  return std::make_unique<BareContender>(std::move(segments->own), std::move(segments->peer),
                                         files.control());
}

/// One end of a new pair; the caller makes it and gives the other away.
static UniqueFd share_pair(Role role, LaneFiles& files, int type) {
  if (role == Role::kPeer) return take(files.control());
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) return UniqueFd();
  UniqueFd own(ends[0]);
  const UniqueFd other(ends[1]);
  return give(files.control(), other.get()) ? std::move(own) : UniqueFd();
}

std::unique_ptr<Contender> make_socket_contender(Role role, LaneFiles& files, SocketKind kind) {
  UniqueFd socket =
      share_pair(role, files, kind == SocketKind::kStream ? SOCK_STREAM : SOCK_SEQPACKET);
  if (!socket) return nullptr;
  return std::make_unique<SocketContender>(std::move(socket), kind);
}

std::unique_ptr<Contender> make_byte_contender(Role role, LaneFiles& files) {
  UniqueFd socket = share_pair(role, files, SOCK_SEQPACKET);
  return socket ? std::make_unique<ByteContender>(std::move(socket)) : nullptr;
}

}  // namespace mcpwire::bench
