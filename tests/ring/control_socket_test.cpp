// SPDX-License-Identifier: MIT
#include "ring/control_socket.hpp"

#include "protocol/base/seams/clock.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/socket_pair.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

namespace mcpwire::ring {
namespace {

using protocol::FrameHeader;
using protocol::FrameKind;
using protocol::Method;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

class ControlSocketTest : public testing::Test {
 protected:
  Result<std::optional<ReceivedFrame>> receive() { return recv_frame(sockets.near.get(), buffer); }

  void expect_violation() {
    const std::size_t before = open_descriptors();
    const auto frame = receive();
    ASSERT_FALSE(frame.has_value());
    EXPECT_EQ(frame.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(open_descriptors(), before) << "descriptors of a refused frame are closed";
  }

  /// Sends raw bytes and descriptors past send_frame().
  void send_raw(const void* bytes, std::size_t size, const std::vector<int>& fds = {}) {
    iovec part{const_cast<void*>(bytes), size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<std::byte> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
    }
    ASSERT_EQ(::sendmsg(sockets.far.get(), &message, MSG_DONTWAIT), static_cast<ssize_t>(size));
  }

  FrameHeader header_of(Method method, std::uint32_t payload_len = 0) {
    FrameHeader header{protocol::make_header(FrameKind::kEvent, method), 0, 0};
    header.request.payload_len = payload_len;
    return header;
  }

  SocketPair sockets;
  std::vector<std::byte> buffer = std::vector<std::byte>(protocol::kSocketFrameBytesMax);
};

TEST_F(ControlSocketTest, AFrameArrivesWhole) {
  const OutgoingFrame frame{request_header(), 99, as_bytes("head "), as_bytes("body")};
  EXPECT_EQ(send_frame(sockets.far.get(), frame).value(), SendStatus::kSent);
  const auto received = receive();
  ASSERT_TRUE(received.has_value() && received->has_value());
  EXPECT_EQ(as_text((*received)->payload), "head body");
  EXPECT_EQ((*received)->header.correlation, 99u);
  EXPECT_EQ((*received)->header.request.payload_len, 9u);
  EXPECT_FALSE((*received)->attached);
}

TEST_F(ControlSocketTest, NothingThereIsNoError) {
  const auto received = receive();
  ASSERT_TRUE(received.has_value());
  EXPECT_FALSE(received->has_value());
}

TEST_F(ControlSocketTest, TheLargestFrameFitsAndOneByteMoreIsRefused) {
  const std::string largest = pattern(1, protocol::kInlinePayloadBytesMax);
  EXPECT_EQ(send_frame(sockets.far.get(), {request_header(), 1, as_bytes(largest)}).value(),
            SendStatus::kSent);
  const auto received = receive();
  ASSERT_TRUE(received.has_value() && received->has_value());
  EXPECT_EQ(as_text((*received)->payload), largest);
  const auto refused =
      send_frame(sockets.far.get(), {request_header(), 1, as_bytes(largest), as_bytes("x")});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
}

TEST_F(ControlSocketTest, AFullQueueWouldBlock) {
  const std::string payload(16 * 1024, 'x');
  int sent = 0;
  SendStatus status = SendStatus::kSent;
  while (sent < 10'000) {
    status = send_frame(sockets.far.get(), {request_header(), 1, as_bytes(payload)}).value();
    if (status == SendStatus::kWouldBlock) break;
    ++sent;
  }
  EXPECT_EQ(status, SendStatus::kWouldBlock);
  for (int i = 0; i < sent; ++i) EXPECT_TRUE(receive().value().has_value());
  EXPECT_FALSE(receive().value().has_value()) << "the refused frame was not half sent";
}

TEST_F(ControlSocketTest, ADescriptorTravelsWithTheHandshake) {
  const OwnedSegment segment = make_segment(kRingBytesMin);
  const OutgoingFrame hello{protocol::make_header(FrameKind::kRequest, Method::kHello),
                            1,
                            as_bytes("hi"),
                            {},
                            segment.fd()};
  EXPECT_EQ(send_frame(sockets.far.get(), hello).value(), SendStatus::kSent);
  auto received = receive();
  ASSERT_TRUE(received.has_value() && received->has_value());
  ASSERT_TRUE((*received)->attached);
  EXPECT_EQ(::fcntl((*received)->attached.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_TRUE(PeerSegment::attach(std::move((*received)->attached), kRingBytesMin).has_value());
}

TEST_F(ControlSocketTest, ADescriptorWithAnyOtherFrameIsAViolation) {
  const FrameHeader header = header_of(Method::kPing);
  send_raw(&header, sizeof(header), {0});
  expect_violation();
}

TEST_F(ControlSocketTest, TwoDescriptorsAreAViolation) {
  const FrameHeader header = header_of(Method::kHello);
  send_raw(&header, sizeof(header), {0, 1});
  expect_violation();
}

TEST_F(ControlSocketTest, MoreDescriptorsThanThereIsRoomForAreAViolation) {
  const FrameHeader header = header_of(Method::kHello);
  send_raw(&header, sizeof(header), std::vector<int>(32, 0));
  expect_violation();
}

TEST_F(ControlSocketTest, AMessageShorterThanAHeaderIsAViolation) {
  const FrameHeader header = header_of(Method::kPing);
  send_raw(&header, sizeof(header) - 1);
  expect_violation();
  send_raw(&header, 1, {0});
  expect_violation();
}

TEST_F(ControlSocketTest, ALengthThatDoesNotMatchIsAViolation) {
  for (const std::uint32_t payload_len : {1u, 31u, 0xffff'ffffu}) {
    const FrameHeader header = header_of(Method::kPing, payload_len);
    send_raw(&header, sizeof(header));
    expect_violation();
  }
}

TEST_F(ControlSocketTest, AMessageLongerThanTheBufferIsAViolation) {
  std::vector<std::byte> message(protocol::kSocketFrameBytesMax + 1);
  const FrameHeader header = header_of(Method::kPing, protocol::kInlinePayloadBytesMax);
  std::memcpy(message.data(), &header, sizeof(header));
  send_raw(message.data(), message.size());
  expect_violation();
}

TEST_F(ControlSocketTest, ACommitWordOnTheSocketIsAViolation) {
  FrameHeader header = header_of(Method::kPing);
  header.commit = 0x8000'0000;
  send_raw(&header, sizeof(header));
  expect_violation();
}

TEST_F(ControlSocketTest, AnotherWireVersionIsNamed) {
  FrameHeader header = header_of(Method::kPing);
  header.request.version = 7;
  send_raw(&header, sizeof(header));
  const auto received = receive();
  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kVersionMismatch);
}

TEST_F(ControlSocketTest, TheEndOfThePeerIsDisconnected) {
  sockets.far.reset();
  const auto received = receive();
  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().kind, ErrorKind::kDisconnected);
  const auto sent = send_frame(sockets.near.get(), {request_header()});
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().kind, ErrorKind::kDisconnected);
  EXPECT_EQ(take_doorbell(sockets.near.get()), SocketState::kClosed);
}

TEST_F(ControlSocketTest, DoorbellsAreTakenAndFramesAreLeft) {
  EXPECT_EQ(take_doorbell(sockets.near.get()), SocketState::kQuiet);
  ASSERT_TRUE(ring_doorbell(sockets.far.get()).has_value());
  EXPECT_EQ(send_frame(sockets.far.get(), {request_header(), 4, as_bytes("data")}).value(),
            SendStatus::kSent);
  EXPECT_EQ(take_doorbell(sockets.near.get()), SocketState::kDoorbell);
  EXPECT_EQ(take_doorbell(sockets.near.get()), SocketState::kFrame);
  EXPECT_EQ(take_doorbell(sockets.near.get()), SocketState::kFrame) << "looking takes nothing";
  EXPECT_EQ(as_text(receive().value()->payload), "data");
}

TEST_F(ControlSocketTest, ADoorbellWithAPayloadIsNotTakenForOne) {
  std::array<std::byte, sizeof(FrameHeader) + 1> message{};
  const FrameHeader header = header_of(Method::kDoorbell);
  std::memcpy(message.data(), &header, sizeof(header));
  send_raw(message.data(), message.size());
  EXPECT_EQ(take_doorbell(sockets.near.get()), SocketState::kFrame);
}

TEST_F(ControlSocketTest, ADoorbellWithADescriptorInstallsNothing) {
  const FrameHeader header = header_of(Method::kDoorbell);
  send_raw(&header, sizeof(header), {0});
  const std::size_t before = open_descriptors();
  EXPECT_EQ(take_doorbell(sockets.near.get()), SocketState::kDoorbell);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ControlSocketTest, AFullQueueCountsAsRung) {
  while (send_frame(sockets.far.get(), {request_header()}).value() == SendStatus::kSent) {
  }
  EXPECT_TRUE(ring_doorbell(sockets.far.get()).has_value());
}

TEST_F(ControlSocketTest, ThePeerIsKnown) {
  EXPECT_EQ(peer_uid(sockets.near.get()).value(), ::getuid());
  EXPECT_EQ(peer_pid(sockets.near.get()).value(), ::getpid());
  EXPECT_FALSE(peer_uid(-1).has_value());
}

class PeerPidfdTest : public testing::TestWithParam<KernelAbility> {};

TEST_P(PeerPidfdTest, NamesALivingProcess) {
  SocketPair sockets;
  const auto pidfd = peer_pidfd(sockets.near.get(), GetParam());
  ASSERT_TRUE(pidfd.has_value());
  EXPECT_EQ(::fcntl(pidfd->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  pollfd watched{pidfd->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 0), 0) << "we have not ended";
}

INSTANTIATE_TEST_SUITE_P(SoPeerPidfd, PeerPidfdTest,
                         testing::Values(KernelAbility::kUseIfPresent, KernelAbility::kHidden));

class ConnectControlTest : public testing::Test {
 protected:
  ConnectControlTest() {
    std::string folder = testing::TempDir() + "mcpwire-ring-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    path = folder + "/socket";
  }
  ~ConnectControlTest() override {
    std::filesystem::remove_all(std::filesystem::path(path).parent_path());
  }

  UniqueFd listen_at(const std::string& where, int backlog) {
    UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, where.c_str(), where.size() + 1);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener.get(), backlog), 0);
    return listener;
  }

  std::string path;
};

TEST_F(ConnectControlTest, ConnectsToAListener) {
  const UniqueFd listener = listen_at(path, 4);
  const auto socket = connect_control_blocking(path, kNanosecondsPerSecond);
  ASSERT_TRUE(socket.has_value());
  UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(send_frame(socket->get(), {request_header()}).value(), SendStatus::kSent);
  std::vector<std::byte> buffer(256);
  EXPECT_TRUE(recv_frame(accepted.get(), buffer).value().has_value());
}

TEST_F(ConnectControlTest, NobodyThereIsUnreachable) {
  const auto missing = connect_control_blocking(path, kNanosecondsPerSecond);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kDaemonUnreachable);
  {
    const UniqueFd listener = listen_at(path, 1);
  }
  const auto stale = connect_control_blocking(path, kNanosecondsPerSecond);
  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().kind, ErrorKind::kDisconnected);
}

TEST_F(ConnectControlTest, AFullBacklogTimesOut) {
  const UniqueFd listener = listen_at(path, 0);
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 64; ++i) {
    auto socket = connect_control_blocking(path, 1'000'000);
    if (!socket.has_value()) {
      EXPECT_EQ(socket.error().kind, ErrorKind::kTimeout);
      return;
    }
    waiting.push_back(std::move(socket).value());
  }
  FAIL() << "the backlog never filled";
}

TEST_F(ConnectControlTest, APathThatNoAddressHoldsIsNamed) {
  const auto socket = connect_control_blocking(std::string(108, 'x'), kNanosecondsPerSecond);
  ASSERT_FALSE(socket.has_value());
  EXPECT_EQ(socket.error().code, ErrorCode::kRuntimePathTooLong);
}

}  // namespace
}  // namespace mcpwire::ring
