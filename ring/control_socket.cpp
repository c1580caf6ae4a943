// SPDX-License-Identifier: MIT
#include "ring/control_socket.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"
#include "telemetry/system_calls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

// Newer than the headers of Debian 12.
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace mcpwire::ring {

using protocol::FrameHeader;
using protocol::Method;

namespace {

/// Room for a few descriptors more than the one we allow: the kernel would fit a second one into
/// the alignment padding anyway, and what we see we can close.
constexpr std::size_t kReceivedFdsMax = 4;

bool is_would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

bool is_closed(int error) noexcept {
  return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

Failure closed() { return fail(ErrorKind::kDisconnected, ErrorCode::kClosed); }

Failure system_failure(int error, const char* call) {
  if (is_closed(error)) return closed();
  const bool exhausted = error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
  return fail(
      Error::from_errno(exhausted ? ErrorKind::kOverloaded : ErrorKind::kInternal, error, call));
}

bool may_carry_fd(const protocol::RequestHeader& header) noexcept {
  const auto method = static_cast<Method>(header.method);
  return method == Method::kHello || method == Method::kMemory || method == Method::kRings;
}

struct ReceivedFds {
  std::array<UniqueFd, kReceivedFdsMax> fds;
  std::size_t count = 0;
};

ReceivedFds take_fds(msghdr& message) {
  ReceivedFds received;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      MCPWIRE_CHECK(received.count < kReceivedFdsMax);
      received.fds[received.count++].reset(fd);
    }
  }
  return received;
}

}  // namespace

Result<UniqueFd> connect_control_blocking(const std::string& path, std::uint64_t timeout_ns) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kRuntimePathTooLong, path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return system_failure(errno, "socket");
  const timeval timeout{static_cast<time_t>(timeout_ns / kNanosecondsPerSecond),
                        // Zero would mean "for ever".
                        static_cast<suseconds_t>(std::max<std::uint64_t>(
                            1, timeout_ns % kNanosecondsPerSecond / kNanosecondsPerMicrosecond))};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  const int connected =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (connected != 0) {
    if (is_would_block(errno)) return fail(ErrorKind::kTimeout, ErrorCode::kDaemonUnreachable);
    Error error = Error::from_errno(ErrorKind::kDisconnected, errno, "connect");
    error.code = ErrorCode::kDaemonUnreachable;
    return fail(std::move(error));
  }
  return socket;
}

Result<SendStatus> send_frame(int socket_fd, const OutgoingFrame& frame) {
  const std::size_t payload_bytes = frame.head.size() + frame.body.size();
  if (payload_bytes > protocol::kInlinePayloadBytesMax) {
    return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge);
  }
  FrameHeader header{frame.header, 0, frame.correlation};
  header.request.payload_len = static_cast<std::uint32_t>(payload_bytes);
  // sendmsg() only reads; iovec has no const form.
  std::array<iovec, 3> parts{{
      {&header, sizeof(header)},
      {const_cast<std::byte*>(frame.head.data()), frame.head.size()},
      {const_cast<std::byte*>(frame.body.data()), frame.body.size()},
  }};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
  if (frame.attached_fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &frame.attached_fd, sizeof(int));
  }
  ssize_t sent = -1;
  do {
    telemetry::count_system_call();
    sent = ::sendmsg(socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return SendStatus::kSent;
  if (is_would_block(errno)) return SendStatus::kWouldBlock;
  return system_failure(errno, "sendmsg");
}

Result<std::optional<ReceivedFrame>> recv_frame(int socket_fd, MutableByteSpan buffer) {
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kReceivedFdsMax * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t received = -1;
  do {
    telemetry::count_system_call();
    received = ::recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) {
    if (is_would_block(errno)) return std::nullopt;
    return system_failure(errno, "recvmsg");
  }
  ReceivedFds fds = take_fds(message);  // Owns them: every return below closes what is not used.
  if (received == 0) return closed();
  if ((message.msg_flags & MSG_TRUNC) != 0) return violation("message longer than any frame");
  // With room for more, it is this process that had no number left for them.
  const bool lost_fds = (message.msg_flags & MSG_CTRUNC) != 0;
  if (lost_fds && fds.count == kReceivedFdsMax)
    return violation("several descriptors in one frame");
  const auto bytes = static_cast<std::size_t>(received);
  if (bytes < sizeof(FrameHeader)) return violation("message shorter than a frame header");
  const auto header = load_object<FrameHeader>(buffer);
  const auto fault = protocol::check_header(header.request, protocol::kInlinePayloadBytesMax);
  if (fault == protocol::HeaderFault::kVersion) {
    return fail(ErrorKind::kInvalid, ErrorCode::kVersionMismatch);
  }
  if (fault != protocol::HeaderFault::kOk) return violation(protocol::header_fault_text(fault));
  if (header.commit != 0) return violation("commit word on the socket");
  if (header.request.payload_len != bytes - sizeof(FrameHeader)) {
    return violation("frame that is not as long as it says");
  }
  if (fds.count > 1) return violation("several descriptors in one frame");
  if ((fds.count == 1 || lost_fds) && !may_carry_fd(header.request)) {
    return violation("descriptor that nobody asked for");
  }
  return ReceivedFrame{header,
                       ByteSpan(buffer).subspan(sizeof(FrameHeader), bytes - sizeof(FrameHeader)),
                       std::move(fds.fds[0]), lost_fds};
}

bool has_untaken_frames(int socket_fd) noexcept {
  int bytes = 0;
  telemetry::count_system_call();
  return ::ioctl(socket_fd, SIOCOUTQ, &bytes) != 0 || bytes != 0;
}

Result<void> ring_doorbell(int socket_fd) {
  const OutgoingFrame doorbell{
      protocol::make_header(protocol::FrameKind::kEvent, Method::kDoorbell)};
  static_cast<void>(TRY(send_frame(socket_fd, doorbell)));
  return {};
}

SocketState take_doorbell(int socket_fd) noexcept {
  FrameHeader header{};
  const auto receive = [&](int flags) {
    ssize_t received = -1;
    do {
      telemetry::count_system_call();
      received = ::recv(socket_fd, &header, sizeof(header), MSG_DONTWAIT | flags);
    } while (received < 0 && errno == EINTR);
    return received;
  };
  // MSG_TRUNC reports the message's full length, so a doorbell with a payload is not taken for one.
  const ssize_t bytes = receive(MSG_PEEK | MSG_TRUNC);
  if (bytes < 0) return is_would_block(errno) ? SocketState::kQuiet : SocketState::kClosed;
  if (bytes == 0) return SocketState::kClosed;
  const FrameHeader doorbell{protocol::make_header(protocol::FrameKind::kEvent, Method::kDoorbell),
                             0, 0};
  if (static_cast<std::size_t>(bytes) != sizeof(header) || header.request != doorbell.request ||
      header.commit != 0) {
    return SocketState::kFrame;
  }
  receive(0);
  return SocketState::kDoorbell;
}

static Result<ucred> peer_credentials(int socket_fd) {
  ucred credentials{};
  socklen_t bytes = sizeof(credentials);
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) {
    return system_failure(errno, "SO_PEERCRED");
  }
  return credentials;
}

Result<uid_t> peer_uid(int socket_fd) { return TRY(peer_credentials(socket_fd)).uid; }

Result<pid_t> peer_pid(int socket_fd) { return TRY(peer_credentials(socket_fd)).pid; }

Result<UniqueFd> peer_pidfd(int socket_fd, KernelAbility so_peerpidfd) {
  if (so_peerpidfd == KernelAbility::kUseIfPresent) {
    int fd = -1;
    socklen_t bytes = sizeof(fd);
    if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &bytes) == 0) return UniqueFd(fd);
    if (errno == ESRCH || errno == EINVAL) return closed();
    if (errno != ENOPROTOOPT) return system_failure(errno, "SO_PEERPIDFD");
  }
  const pid_t pid = TRY(peer_pid(socket_fd));
  UniqueFd fd = open_process(pid);
  if (!fd) return errno == ESRCH ? closed() : system_failure(errno, "pidfd_open");
  return fd;
}

}  // namespace mcpwire::ring
