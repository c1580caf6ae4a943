// SPDX-License-Identifier: MIT
//
// RawDaemon: the daemon's end of a link, played by hand on a socket pair, so that it can break
// every rule. RecordingSink: what the link delivered.
//
// Threading: one thread per object.
#pragma once

#include "client/detail/hello.hpp"
#include "client/detail/link.hpp"
#include "protocol/params.hpp"
#include "protocol/payload_codec.hpp"
#include "ring/sealed_payload.hpp"
#include "ring/segment.hpp"
#include "tests/ring/raw_frames.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::client::detail {

struct Delivered {
  protocol::FrameHeader header;
  std::string payload;
};

class RecordingSink final : public Link::Sink {
 public:
  void on_message(const protocol::FrameHeader& header, Body&& payload) override {
    messages.push_back({header, std::move(payload).take_text()});
    if (react) std::exchange(react, nullptr)();
  }
  std::vector<Delivered> messages;
  std::function<void()> react;
};

class RawDaemon {
 public:
  /// `ring_bytes` 0: everything goes over the socket.
  explicit RawDaemon(std::uint32_t ring_bytes) : ring_bytes_(ring_bytes) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    client_end_.reset(ends[0]);
    socket.reset(ends[1]);
    options.ring_bytes = ring_bytes;
    options.spin_ns = 0;
    if (ring_bytes != 0) own.emplace(std::move(ring::OwnedSegment::create({ring_bytes})).value());
  }

  protocol::PayloadBuilder<protocol::HelloReply> reply() const {
    protocol::PayloadBuilder<protocol::HelloReply> builder;
    builder.fixed.version = protocol::kWireVersion;
    builder.fixed.features = ring_bytes_ != 0 ? protocol::feature::kSharedMemory : 0;
    if (renews_rings) builder.fixed.features |= protocol::feature::kRingRenewal;
    builder.fixed.daemon_instance = 5;
    builder.fixed.daemon_pid = 6;
    builder.fixed.ring_bytes = ring_bytes_;
    builder.fixed.daemon_version = builder.add("raw");
    return builder;
  }
  static protocol::FrameHeader reply_header(std::size_t payload_bytes) {
    protocol::FrameHeader header{
        protocol::make_header(protocol::FrameKind::kResponse, protocol::Method::kHello,
                              protocol::Outcome::kOk),
        0, 1};
    header.request.payload_len = static_cast<std::uint32_t>(payload_bytes);
    return header;
  }
  int segment_fd() const { return own ? own->fd() : -1; }

  void say_reply() const {
    const std::string payload = reply().take();
    std::vector<int> fds;
    if (own) fds.push_back(own->fd());
    ring::send_raw(socket.get(),
                   std::string(as_text(object_bytes(reply_header(payload.size())))) + payload, fds);
  }

  /// Of a reply that was said before.
  Result<std::unique_ptr<Link>> open_link() {
    return Link::open(std::move(client_end_), options, *build_hello(options), kNever);
  }

  /// Takes HELLO and the client's segment.
  void attach(std::uint64_t start_position = 0) {
    const auto hello = receive();
    ASSERT_TRUE(hello.has_value());
    if (ring_bytes_ == 0) return;
    auto segment = ring::PeerSegment::attach(std::move(attached_), ring_bytes_);
    ASSERT_TRUE(segment.has_value());
    peer.emplace(std::move(*segment));
    producer.emplace(own->memory(), peer->memory(), start_position);
    consumer.emplace(own->memory(), peer->memory());
  }

  std::optional<Delivered> receive() {
    std::array<std::byte, protocol::kSocketFrameBytesMax> buffer;
    auto frame = ring::recv_frame(socket.get(), buffer);
    if (!frame || !*frame) return std::nullopt;
    if ((*frame)->attached) attached_ = std::move((*frame)->attached);
    return Delivered{(*frame)->header, std::string(as_text((*frame)->payload))};
  }

  bool push(const protocol::RequestHeader& header, std::uint64_t correlation,
            std::string_view payload) {
    return producer->try_push(header, correlation, as_bytes(payload), {});
  }
  /// True if there was a record.
  bool pop() {
    const auto view = consumer->peek();
    EXPECT_TRUE(view.has_value());
    if (!view || !*view) return false;
    consumer->release();
    return true;
  }
  void ring_bell() const { static_cast<void>(ring::ring_doorbell(socket.get())); }

  void announce(std::uint32_t slab, std::uint64_t bytes, const std::vector<int>& fds) const {
    const protocol::MemoryEvent event{sizeof(event), slab, 1, protocol::MemoryLife::kOnce, bytes};
    protocol::FrameHeader header{
        protocol::make_header(protocol::FrameKind::kEvent, protocol::Method::kMemory), 0, 0};
    header.request.payload_len = sizeof event;
    ring::send_raw(
        socket.get(),
        std::string(as_text(object_bytes(header))) + std::string(as_text(object_bytes(event))),
        fds);
  }

  UniqueFd socket;
  ConnectOptions options;
  bool renews_rings = false;
  std::optional<ring::OwnedSegment> own;
  std::optional<ring::PeerSegment> peer;
  std::optional<ring::Producer> producer;
  std::optional<ring::Consumer> consumer;

 private:
  std::uint32_t ring_bytes_;
  UniqueFd client_end_;
  UniqueFd attached_;
};

}  // namespace mcpwire::client::detail
