// SPDX-License-Identifier: MIT
//
// What a client can do wrong, in the handshake and after it: each ends its own connection, is
// counted and reported once, and nobody else notices.
#include "tests/io/client_channel_fixture.hpp"

#include <cstring>

namespace mcpwire::io {
namespace {

class ClientChannelHandshakeTest : public ClientChannelFixture {
 protected:
  void SetUp() override {
    ClientChannelFixture::SetUp();
    first_ = make_connected();
  }
  RawClient& client() { return *first_.client; }

  void say_hello(RawClient::Hello hello, int fd = -1) {
    client().send(FrameKind::kRequest, Method::kHello, 1, hello.take(), fd);
  }

  void expect_refusal(std::string_view part_of_message) {
    settle();
    const auto frame = client().receive();
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(protocol::kind_of(frame->header.request.flags), FrameKind::kError);
    const protocol::PayloadReader reader(as_bytes(frame->payload));
    const auto refusal = reader.fixed<protocol::HelloRefusal>();
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->version_min, protocol::kWireVersion);
    EXPECT_EQ(refusal->version_max, protocol::kWireVersion);
    EXPECT_EQ(refusal->features_supported, protocol::feature::kSupported);
    EXPECT_NE(reader.text(refusal->message)->find(part_of_message), std::string_view::npos)
        << *reader.text(refusal->message);
    EXPECT_FALSE(client().receive().has_value());
    EXPECT_TRUE(client().is_closed);
    ASSERT_TRUE(first_.receiver->closed.has_value());
    EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kUnsupported);
    EXPECT_EQ(refusal->error_kind, static_cast<std::uint32_t>(ErrorKind::kUnsupported));
    EXPECT_EQ(refusal->error_code, static_cast<std::uint32_t>(first_.receiver->closed->code));
    EXPECT_TRUE(first_.receiver->frames.empty());
    EXPECT_EQ(host_->violations(), 0U);
    expect_others_are_served();
  }
};

MCPWIRE_INSTANTIATE_ON_KERNELS(ClientChannelHandshakeTest);

TEST_P(ClientChannelHandshakeTest, RefusesAVersionRangeWithoutOurs) {
  RawClient::Hello hello = RawClient::hello(0);
  hello.fixed.version_min = 7;
  hello.fixed.version_max = 9;
  say_hello(std::move(hello));
  expect_refusal("the client speaks 7 to 9");
}

TEST_P(ClientChannelHandshakeTest, RefusesAnUnknownVersionInTheFrameHeader) {
  protocol::RequestHeader header = protocol::make_header(FrameKind::kRequest, Method::kHello);
  header.version = 2;
  client().send(header, 1, RawClient::hello(0).take());
  expect_refusal("unknown wire version");
}

TEST_P(ClientChannelHandshakeTest, RefusesAnUnknownRequiredFeature) {
  RawClient::Hello hello = RawClient::hello(0);
  hello.fixed.features_required = std::uint64_t{1} << 40;
  say_hello(std::move(hello));
  expect_refusal("0x10000000000");
}

TEST_P(ClientChannelHandshakeTest, IgnoresAnUnknownOptionalFeature) {
  RawClient::Hello hello = RawClient::hello(0);
  hello.fixed.features_optional = std::uint64_t{1} << 40;
  say_hello(std::move(hello));
  settle();
  const auto reply = client().receive();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(
      protocol::PayloadReader(as_bytes(reply->payload)).fixed<protocol::HelloReply>()->features,
      0U);
}

TEST_P(ClientChannelHandshakeTest, RefusesRingSizesOutOfBounds) {
  for (const std::uint32_t bytes : {1U, 2048U, 5000U, 2U * 1024 * 1024, 0xffff'ffffU}) {
    first_ = make_connected();
    say_hello(RawClient::hello(bytes));
    expect_refusal("is not a power of two");
  }
}

TEST_P(ClientChannelHandshakeTest, RefusesSharedMemoryThatIsRequiredButHasNoSize) {
  RawClient::Hello hello = RawClient::hello(0);
  hello.fixed.features_required = protocol::feature::kSharedMemory;
  say_hello(std::move(hello));
  expect_refusal("ring_bytes is 0");
}

TEST_P(ClientChannelHandshakeTest, FallsBackToTheSocketWhereTheHostRefusesSharedMemory) {
  make_host({.shared_memory = SharedMemoryPolicy::kRefuse});
  first_ = make_connected();
  client().make_segment();
  say_hello(RawClient::hello(RawClient::kRingBytes), client().own->fd());
  settle();
  const auto reply = client().receive();
  ASSERT_TRUE(reply.has_value());
  EXPECT_FALSE(client().attached);
  EXPECT_EQ(first_.channel->ring_bytes(), 0U);
  client().send(FrameKind::kRequest, Method::kPing, 2, "");
  settle();
  EXPECT_EQ(first_.receiver->frames.size(), 2U);
}

TEST_P(ClientChannelHandshakeTest, HandsHelloToTheReceiverOnceItIsAccepted) {
  say_hello(RawClient::hello(0));
  settle();
  ASSERT_EQ(first_.receiver->frames.size(), 1U);
  const protocol::PayloadReader reader(as_bytes(first_.receiver->frames[0].payload));
  EXPECT_EQ(*reader.text(reader.fixed<protocol::HelloRequest>()->config_path), "/etc/servers.json");
  EXPECT_EQ(host_->open_channels(), 1U);
}

TEST_P(ClientChannelHandshakeTest, ClosesAConnectionThatSaysNothing) {
  make_host({.handshake_timeout_ns = kNanosecondsPerMillisecond});
  first_ = make_connected();
  run_until([this] { return first_.receiver->closed.has_value(); });
  EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kTimeout);
  EXPECT_FALSE(client().receive().has_value());
  EXPECT_TRUE(client().is_closed);
}

TEST_P(ClientChannelHandshakeTest, LimitsConnectionsThatHaveNotSaidHello) {
  make_host({.handshakes_max = 1});
  first_ = make_connected();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd client_end(ends[0]);
  EXPECT_EQ(ClientChannel::create(*host_, UniqueFd(ends[1])).error().kind, ErrorKind::kOverloaded);
  say_hello(RawClient::hello(0));
  settle();
  Connected next = make_connected();
}

TEST_P(ClientChannelHandshakeTest, WrongMagicIsAViolation) {
  protocol::RequestHeader header = protocol::make_header(FrameKind::kRequest, Method::kHello);
  header.magic = {'H', 'T', 'T', 'P'};
  client().send(header, 1, RawClient::hello(0).take());
  expect_violation();
}

TEST_P(ClientChannelHandshakeTest, AFrameBeforeHelloIsAViolation) {
  client().send(FrameKind::kRequest, Method::kPing, 1, "");
  expect_violation("frame before HELLO");
}

TEST_P(ClientChannelHandshakeTest, ATruncatedHelloIsAViolation) {
  client().send(FrameKind::kRequest, Method::kHello, 1, RawClient::hello(0).take().substr(0, 40));
  expect_violation();
}

TEST_P(ClientChannelHandshakeTest, AHelloWithARangeOutsideOfItIsAViolation) {
  RawClient::Hello hello = RawClient::hello(0);
  hello.fixed.environment = {100, 0xffff'ffff};
  say_hello(std::move(hello));
  expect_violation();
}

TEST_P(ClientChannelHandshakeTest, AHelloWithoutItsMemoryFileIsAViolation) {
  say_hello(RawClient::hello(RawClient::kRingBytes));
  expect_violation("HELLO without the client's memory file");
}

TEST_P(ClientChannelHandshakeTest, AnUnsealedMemoryFileIsAViolation) {
  const UniqueFd file(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(ring::segment_bytes(RawClient::kRingBytes))),
            0);
  say_hello(RawClient::hello(RawClient::kRingBytes), file.get());
  expect_violation("HELLO with an unacceptable memory file");
}

TEST_P(ClientChannelHandshakeTest, AMemoryFileOfAnotherSizeIsAViolation) {
  client().make_segment(2 * RawClient::kRingBytes);
  say_hello(RawClient::hello(RawClient::kRingBytes), client().own->fd());
  expect_violation("HELLO with an unacceptable memory file");
}

TEST_P(ClientChannelHandshakeTest, APipeInsteadOfAMemoryFileIsAViolation) {
  const Pipe pipe = make_pipe();
  say_hello(RawClient::hello(RawClient::kRingBytes), pipe.read_end.get());
  expect_violation("HELLO with an unacceptable memory file");
}

TEST_P(ClientChannelHandshakeTest, TwoDescriptorsAreAViolation) {
  client().make_segment();
  const std::string payload = RawClient::hello(RawClient::kRingBytes).take();
  protocol::FrameHeader header{protocol::make_header(FrameKind::kRequest, Method::kHello), 0, 1};
  header.request.payload_len = static_cast<std::uint32_t>(payload.size());
  std::string bytes(as_text(object_bytes(header)));
  bytes += payload;
  iovec part{bytes.data(), bytes.size()};
  const std::array<int, 2> fds = {client().own->fd(), client().own->fd()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof fds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
  ASSERT_GT(::sendmsg(client().socket.get(), &message, MSG_NOSIGNAL), 0);
  expect_violation();
}

class ClientChannelViolationTest : public ClientChannelFixture {
 protected:
  void SetUp() override {
    ClientChannelFixture::SetUp();
    first_ = make_open(RawClient::kRingBytes);
  }
  RawClient& client() { return *first_.client; }
  void use_socket() { first_ = make_open(0); }
};

MCPWIRE_INSTANTIATE_ON_KERNELS(ClientChannelViolationTest);

TEST_P(ClientChannelViolationTest, HelloTwice) {
  client().send(FrameKind::kRequest, Method::kHello, 2, RawClient::hello(0).take());
  expect_violation("HELLO twice");
}

TEST_P(ClientChannelViolationTest, TheFilesOfAClientThatClosedAreGivenBack) {
  // Fewer and more than one look at the socket takes.
  for (const int bells : {0, 40}) {
    first_ = make_open(RawClient::kRingBytes);
    for (int bell = 0; bell < bells; ++bell) {
      ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
    }
    const UniqueFd file = std::move(ring::create_sealed(as_bytes("abc"), {})).value();
    for (std::uint32_t slab = 1; slab <= 24; ++slab) client().announce(slab, 3, file.get());
    client().socket.reset();
    settle();
    ASSERT_TRUE(first_.receiver->closed.has_value()) << bells;
    EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kDisconnected);
    EXPECT_EQ(host_->open_channels(), 0U);
  }
}

TEST_P(ClientChannelViolationTest, HelloInTheRing) {
  client().push(FrameKind::kRequest, Method::kHello, 2, RawClient::hello(0).take());
  expect_violation("HELLO twice");
}

TEST_P(ClientChannelViolationTest, DataBesideTheRing) {
  client().send(FrameKind::kRequest, Method::kPing, 2, "");
  expect_violation("data beside the ring");
}

TEST_P(ClientChannelViolationTest, AFrameShorterThanItsHeader) {
  client().send_bytes("MCPW");
  expect_violation();
}

TEST_P(ClientChannelViolationTest, AFrameThatIsNotAsLongAsItSays) {
  protocol::FrameHeader header{protocol::make_header(FrameKind::kRequest, Method::kPing), 0, 2};
  header.request.payload_len = 10;
  client().send_bytes(as_text(object_bytes(header)));
  expect_violation();
}

TEST_P(ClientChannelViolationTest, ARecordThatNoProducerWrites) {
  const std::uint32_t wrong_tag = 0x1234'5678;
  std::memcpy(client().own->memory().ring + offsetof(protocol::FrameHeader, commit), &wrong_tag,
              sizeof wrong_tag);
  expect_violation("record that no producer writes");
}

TEST_P(ClientChannelViolationTest, AnImpossibleConsumerPosition) {
  client().own->memory().page->consumer_position = 1 << 20;
  settle();
  for (int i = 0; i < 64 && !first_.receiver->closed; ++i) {
    answer(*first_.channel, 1, std::string(500, 'x'));
    settle();
  }
  expect_violation("impossible consumer position");
}

TEST_P(ClientChannelViolationTest, FramesThatOnlyTheDaemonSends) {
  const std::array<std::pair<FrameKind, Method>, 6> frames = {{
      {FrameKind::kResponse, Method::kPing},
      {FrameKind::kError, Method::kCallTool},
      {FrameKind::kEvent, Method::kIntent},
      {FrameKind::kEvent, Method::kProgress},
      {FrameKind::kEvent, Method::kDoorbell},
      {FrameKind::kRequest, Method::kCancel},
  }};
  for (const auto& [kind, method] : frames) {
    make_host({});
    reported_.clear();
    first_ = make_open(RawClient::kRingBytes);
    client().push(kind, method, 2, "");
    expect_violation();
  }
}

TEST_P(ClientChannelViolationTest, ARequestWithoutACorrelationId) {
  client().push(FrameKind::kRequest, Method::kPing, 0, "");
  expect_violation("request without a correlation id");
}

TEST_P(ClientChannelViolationTest, ACorrelationIdThatNoCallWordHolds) {
  client().push(FrameKind::kRequest, Method::kPing, protocol::kCorrelationMax + 1, "");
  expect_violation("correlation id over 56 bits");
}

TEST_P(ClientChannelViolationTest, AMemoryEventWithoutAFile) {
  client().announce(1, 100, -1);
  expect_violation("memory event without a file");
}

TEST_P(ClientChannelViolationTest, TheSameMemoryFileTwice) {
  const UniqueFd file = std::move(ring::create_sealed(as_bytes("abc"), {})).value();
  client().announce(1, 3, file.get());
  client().announce(1, 3, file.get());
  expect_violation("memory file announced twice");
}

TEST_P(ClientChannelViolationTest, APayloadInAnUnknownMemoryFile) {
  client().push_mapped(9, 0, 3);
  expect_violation("payload in an unknown memory file");
}

TEST_P(ClientChannelViolationTest, APayloadOutsideOfItsMemoryFile) {
  const UniqueFd file = std::move(ring::create_sealed(as_bytes("abc"), {})).value();
  client().announce(1, 3, file.get());
  client().push_mapped(1, ~std::uint64_t{0}, 4);
  expect_violation("payload outside of its memory file");
}

TEST_P(ClientChannelViolationTest, AMemoryFileThatItsSenderCanStillWrite) {
  const UniqueFd file(::memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::write(file.get(), "abc", 3), 3);
  client().announce(1, 3, file.get());
  client().push_mapped(1, 0, 3);
  expect_violation("memory file that is not sealed, or of another size");
}

TEST_P(ClientChannelViolationTest, AMemoryFileOfAnotherSizeThanAnnounced) {
  const UniqueFd file = std::move(ring::create_sealed(as_bytes("abc"), {})).value();
  client().announce(1, 4096, file.get());
  client().push_mapped(1, 0, 4096);
  expect_violation("memory file that is not sealed, or of another size");
}

TEST_P(ClientChannelViolationTest, AMessageInPiecesInTheRing) {
  client().push(FrameKind::kRequest, Method::kCallTool, 2, "abc", protocol::flag::kMore);
  expect_violation("message in pieces in a ring");
}

TEST_P(ClientChannelViolationTest, OnTheSocketAMappedPayload) {
  use_socket();
  protocol::RequestHeader header = protocol::make_header(FrameKind::kRequest, Method::kCallTool);
  header.flags |= protocol::flag::kMapped;
  client().send(header, 2, std::string(sizeof(protocol::MappedDescriptor), '\0'));
  expect_violation("mapped payload without shared memory");
}

TEST_P(ClientChannelViolationTest, OnTheSocketAnotherMessageBetweenThePieces) {
  use_socket();
  protocol::RequestHeader header = protocol::make_header(FrameKind::kRequest, Method::kCallTool);
  header.flags |= protocol::flag::kMore;
  client().send(header, 2, "abc");
  client().send(FrameKind::kRequest, Method::kPing, 3, "");
  expect_violation("message in pieces interrupted by another one");
}

TEST_P(ClientChannelViolationTest, OnTheSocketAMemoryFile) {
  use_socket();
  const UniqueFd file = std::move(ring::create_sealed(as_bytes("abc"), {})).value();
  client().announce(1, 3, file.get());
  expect_violation("memory file without shared memory");
}

}  // namespace
}  // namespace mcpwire::io
