// SPDX-License-Identifier: MIT
#include "bench/peers/contenders/contenders.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/control_socket.hpp"
#include "ring/segment.hpp"
#include "ring/waiter.hpp"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace mcpwire::peers {

namespace {

constexpr std::uint64_t kSpinForEverNs = kNever - 1;
/// About what it costs to wake the other side, which is where spinning stops to pay.
constexpr std::uint64_t kAdaptiveSpinNs = 50 * kNanosecondsPerMicrosecond;
constexpr std::uint32_t kBatch = 16;

std::uint64_t spin_ns(Waiting waiting) noexcept {
  switch (waiting) {
    case Waiting::kSpinning:
      return kSpinForEverNs;
    case Waiting::kAdaptive:
      return kAdaptiveSpinNs;
    case Waiting::kBlocking:
      break;
  }
  return 0;
}

struct End {
  End(ring::OwnedSegment own_segment, ring::PeerSegment peer_segment, ring::WaiterOptions options)
      : own(std::move(own_segment)),
        peer(std::move(peer_segment)),
        consumer(own.memory(), peer.memory()),
        producer(own.memory(), peer.memory()),
        waiter(consumer, producer, clock, options) {}

  ring::OwnedSegment own;
  ring::PeerSegment peer;
  SystemClock clock;
  ring::Consumer consumer;
  ring::Producer producer;
  ring::Waiter waiter;
};

class McpwireRing final : public Messages<McpwireRing> {
 public:
  McpwireRing(const LaneSetup& setup, std::uint32_t batch)
      : setup_(setup), batch_(batch), received_(setup.payload_bytes) {
    std::array<int, 2> ends{-1, -1};
    MCPWIRE_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    sockets_[0].reset(ends[0]);
    sockets_[1].reset(ends[1]);
  }

  /// As in the handshake: each end makes a segment and sends its descriptor.
  bool open(Role role) override {
    socket_ = sockets_[index_of(role)].get();
    const std::uint32_t ring_bytes = queue_bytes(setup_.payload_bytes);
    auto own = ring::OwnedSegment::create({.ring_bytes = ring_bytes});
    if (!own || !give(own->fd())) return false;
    auto peer = ring::PeerSegment::attach(take(), ring_bytes);
    if (!peer) return false;
    end_.emplace(std::move(*own), std::move(*peer),
                 ring::WaiterOptions{.socket_fd = socket_, .spin_ns = spin_ns(setup_.waiting)});
    return true;
  }

  template <class Write>
  bool put(Write write) {
    ring::Producer& producer = end_->producer;
    ensure_batch();
    auto room = producer.try_reserve(setup_.payload_bytes);
    while (!room) {
      if (!flush()) return false;
      const auto outcome = end_->waiter.wait_blocking(kNever, setup_.payload_bytes);
      if (!outcome || *outcome != ring::WaitOutcome::kSpace) return false;
      ensure_batch();
      room = producer.try_reserve(setup_.payload_bytes);
    }
    write(*room);
    producer.commit(header_, ++correlation_, setup_.payload_bytes);
    return ++batched_ < batch_ || flush();
  }

  /// The payload is copied before it is read: its sender could still change it.
  template <class Read>
  bool get(Read read) {
    const auto outcome = end_->waiter.wait_blocking(kNever);
    if (!outcome || *outcome != ring::WaitOutcome::kData) return false;
    const auto frame = end_->consumer.peek();
    if (!frame || !*frame || (*frame)->volatile_payload.size() != received_.size()) return false;
    copy_bytes(received_, (*frame)->volatile_payload);
    end_->consumer.release();
    read(ByteSpan(received_));
    return true;
  }

  /// Makes what was put visible and rings a peer that sleeps.
  bool flush() {
    if (batch_open_) end_->producer.commit_batch();
    batch_open_ = false;
    batched_ = 0;
    return !end_->producer.peer_needs_doorbell() || ring::ring_doorbell(socket_).has_value();
  }

 private:
  void ensure_batch() noexcept {
    if (batch_ == 1 || batch_open_) return;
    end_->producer.begin_batch();
    batch_open_ = true;
  }

  bool give(int fd) const {
    const auto header =
        protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kHello);
    const auto sent = ring::send_frame(socket_, {header, 1, {}, {}, fd});
    return sent && *sent == ring::SendStatus::kSent;
  }

  UniqueFd take() const {
    std::array<std::byte, 256> buffer{};
    pollfd watched{socket_, POLLIN, 0};
    ::poll(&watched, 1, -1);
    auto frame = ring::recv_frame(socket_, buffer);
    if (!frame || !*frame) return UniqueFd();
    return std::move((*frame)->attached);
  }

  LaneSetup setup_;
  std::uint32_t batch_;
  std::uint32_t batched_ = 0;
  bool batch_open_ = false;
  std::vector<std::byte> received_;
  std::array<UniqueFd, 2> sockets_;
  int socket_ = -1;
  std::optional<End> end_;
  std::uint64_t correlation_ = 0;
  protocol::RequestHeader header_ =
      protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kCallTool);
};

}  // namespace

std::unique_ptr<Contender> make_mcpwire_ring(const LaneSetup& setup) {
  return std::make_unique<McpwireRing>(setup, 1);
}

std::unique_ptr<Contender> make_mcpwire_batches(const LaneSetup& setup) {
  return std::make_unique<McpwireRing>(setup, kBatch);
}

}  // namespace mcpwire::peers
