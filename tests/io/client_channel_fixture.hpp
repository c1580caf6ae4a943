// SPDX-License-Identifier: MIT
//
// ClientChannelFixture: a channel on a real loop, and at the other end of its socket a client that
// is played by hand, so that it can break every rule.
#pragma once

#include "io/client_channel.hpp"
#include "protocol/payload_codec.hpp"
#include "ring/call_words.hpp"
#include "ring/control_socket.hpp"
#include "ring/sealed_payload.hpp"
#include "ring/segment.hpp"
#include "ring/spsc_ring.hpp"
#include "tests/io/loop_fixture.hpp"

#include <sys/mman.h>
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

namespace mcpwire::io {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

struct SeenFrame {
  protocol::FrameHeader header;
  std::string payload;
  bool came_in_file = false;
};

class RecordingReceiver final : public FrameChannel::Receiver {
 public:
  void on_frame(const protocol::FrameHeader& header, ByteSpan payload) override {
    EXPECT_FALSE(closed.has_value());
    frames.push_back({header, std::string(as_text(payload)), false});
    if (react) react(frames.back());
  }
  void on_channel_closed(const Error& why) override {
    EXPECT_FALSE(closed.has_value());
    closed = why;
  }
  void on_all_sent() override { ++all_sent; }
  std::vector<SeenFrame> frames;
  std::optional<Error> closed;
  int all_sent = 0;
  std::function<void(const SeenFrame&)> react;
};

/// The client's end, without any of the client library's care.
class RawClient {
 public:
  using Hello = protocol::PayloadBuilder<protocol::HelloRequest>;
  static constexpr std::uint32_t kRingBytes = 4096;

  explicit RawClient(UniqueFd fd) : socket(std::move(fd)) {}

  static Hello hello(std::uint32_t ring_bytes) {
    Hello builder;
    builder.fixed.version_min = protocol::kWireVersion;
    builder.fixed.version_max = protocol::kWireVersion;
    builder.fixed.ring_bytes = ring_bytes;
    if (ring_bytes != 0) builder.fixed.features_optional = protocol::feature::kSharedMemory;
    builder.fixed.config_path = builder.add("/etc/servers.json");
    return builder;
  }

  /// One frame on the socket; header fields as given.
  void send(const protocol::RequestHeader& header, std::uint64_t correlation,
            std::string_view payload, int fd = -1) const {
    ASSERT_TRUE(ring::send_frame(socket.get(), {header, correlation, as_bytes(payload), {}, fd}));
  }
  void send(FrameKind kind, Method method, std::uint64_t correlation, std::string_view payload,
            int fd = -1) const {
    send(protocol::make_header(kind, method), correlation, payload, fd);
  }
  void send_bytes(std::string_view bytes) const {
    ASSERT_EQ(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  void make_segment(std::uint32_t ring_bytes = kRingBytes) {
    own.emplace(std::move(ring::OwnedSegment::create({ring_bytes})).value());
  }

  /// The next frame from the daemon, or nothing.
  std::optional<SeenFrame> receive() {
    std::array<std::byte, protocol::kSocketFrameBytesMax> buffer;
    auto frame = ring::recv_frame(socket.get(), buffer);
    if (!frame) {
      is_closed = true;
      return std::nullopt;
    }
    if (!*frame) return std::nullopt;
    if ((*frame)->attached) attached = std::move((*frame)->attached);
    return SeenFrame{(*frame)->header, std::string(as_text((*frame)->payload)), false};
  }

  void attach(std::uint32_t ring_bytes) {
    auto segment = ring::PeerSegment::attach(std::move(attached), ring_bytes);
    ASSERT_TRUE(segment.has_value());
    peer.emplace(std::move(*segment));
    producer.emplace(own->memory(), peer->memory());
    consumer.emplace(own->memory(), peer->memory());
  }

  bool push(FrameKind kind, Method method, std::uint64_t correlation, std::string_view payload,
            std::uint32_t flags = 0) {
    protocol::RequestHeader header = protocol::make_header(kind, method);
    header.flags |= flags;
    return producer->try_push(header, correlation, as_bytes(payload), {});
  }

  std::optional<SeenFrame> pop() {
    const auto view = consumer->peek();
    EXPECT_TRUE(view.has_value());
    if (!view || !*view) return std::nullopt;
    SeenFrame frame{(*view)->header, std::string(as_text((*view)->volatile_payload)), false};
    consumer->release();
    return frame;
  }

  void announce(std::uint32_t slab, std::uint64_t bytes, int fd) const {
    const protocol::MemoryEvent event{sizeof(event), slab, 1, protocol::MemoryLife::kOnce, bytes};
    send(FrameKind::kEvent, Method::kMemory, 0, as_text(object_bytes(event)), fd);
  }
  bool push_mapped(std::uint32_t slab, std::uint64_t offset, std::uint64_t length,
                   std::uint64_t correlation = 5) {
    const protocol::MappedDescriptor descriptor{slab, 1, offset, length};
    return push(FrameKind::kRequest, Method::kCallTool, correlation,
                as_text(object_bytes(descriptor)), protocol::flag::kMapped);
  }

  UniqueFd socket;
  UniqueFd attached;
  bool is_closed = false;
  std::optional<ring::OwnedSegment> own;
  std::optional<ring::PeerSegment> peer;
  std::optional<ring::Producer> producer;
  std::optional<ring::Consumer> consumer;
};

class ClientChannelFixture : public LoopFixture {
 protected:
  struct Connected {
    std::unique_ptr<ClientChannel> channel;
    std::unique_ptr<RecordingReceiver> receiver = std::make_unique<RecordingReceiver>();
    std::unique_ptr<RawClient> client;
  };

  void SetUp() override {
    LoopFixture::SetUp();
    make_host({});
  }

  void TearDown() override {
    first_ = {};
    host_.reset();
    LoopFixture::TearDown();
  }

  void make_host(ChannelHostOptions options) {
    first_ = {};
    options.daemon_version = "test";
    options.on_violation = [this](std::int32_t pid, const Error& why) {
      EXPECT_EQ(pid, ::getpid());
      reported_.push_back(why.message());
    };
    host_ = std::make_unique<ChannelHost>(*loop_, std::move(options));
  }

  /// A started channel whose client has said nothing yet.
  Connected make_connected() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    Connected made;
    made.client = std::make_unique<RawClient>(UniqueFd(ends[0]));
    auto channel = ClientChannel::create(*host_, UniqueFd(ends[1]));
    EXPECT_TRUE(channel.has_value());
    made.channel = std::move(*channel);
    made.channel->start(*made.receiver);
    return made;
  }

  /// Shakes hands; ring_bytes 0 leaves everything on the socket. `features`: beyond shared memory.
  Connected make_open(std::uint32_t ring_bytes, std::uint64_t features = 0) {
    Connected made = make_connected();
    RawClient& client = *made.client;
    if (ring_bytes != 0) client.make_segment(ring_bytes);
    RawClient::Hello hello = RawClient::hello(ring_bytes);
    hello.fixed.features_optional |= features;
    client.send(FrameKind::kRequest, Method::kHello, 1, hello.take(),
                ring_bytes != 0 ? client.own->fd() : -1);
    settle();
    const auto reply = client.receive();
    EXPECT_TRUE(reply.has_value());
    EXPECT_EQ(made.receiver->frames.size(), 1U);
    if (ring_bytes != 0) client.attach(ring_bytes);
    made.receiver->frames.clear();
    return made;
  }

  void expect_violation(std::string_view what = {}) { expect_violation(first_, what); }
  void expect_violation(Connected& connected, std::string_view what) {
    settle();
    ASSERT_TRUE(connected.receiver->closed.has_value());
    EXPECT_EQ(connected.receiver->closed->kind, ErrorKind::kInvalid);
    EXPECT_EQ(host_->violations(), 1U);
    ASSERT_EQ(reported_.size(), 1U);
    if (!what.empty()) {
      EXPECT_EQ(reported_.front(), what);
    }
    while (connected.client->receive()) {
    }
    EXPECT_TRUE(connected.client->is_closed);
    expect_others_are_served();
  }

  void expect_others_are_served() {
    Connected other = make_open(RawClient::kRingBytes);
    ASSERT_TRUE(other.client->push(FrameKind::kRequest, Method::kPing, 7, ""));
    settle();
    ASSERT_EQ(other.receiver->frames.size(), 1U);
    EXPECT_FALSE(other.receiver->closed.has_value());
  }

  static void answer(ClientChannel& channel, std::uint64_t correlation, std::string_view body) {
    static_cast<void>(
        channel.send(protocol::make_header(FrameKind::kResponse, Method::kCallTool, Outcome::kOk),
                     correlation, as_bytes(body), {}));
  }

  std::unique_ptr<ChannelHost> host_;
  std::vector<std::string> reported_;
  Connected first_;
};

}  // namespace mcpwire::io
