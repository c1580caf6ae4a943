// SPDX-License-Identifier: MIT
//
// The control socket of one connection: a Unix SOCK_SEQPACKET socket that carries the handshake,
// doorbells, memory files and the notice of the peer's death, and all frames where shared memory
// is refused. Message boundaries are the kernel's, so a frame is whole or absent.
//
// Threading: every function may be called from any thread; one reader per socket.
// Nothing here blocks except connect_control_blocking().
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/request_header.hpp"
#include "ring/kernel_ability.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace mcpwire::ring {

/// Connects to the daemon that listens at `path`, within `timeout_ns` (its backlog may be full).
/// kDisconnected/kDaemonUnreachable if nobody listens, kTimeout, kConfiguration/
/// kRuntimePathTooLong. Whether the directory is safe was checked by the caller.
Result<UniqueFd> connect_control_blocking(const std::string& path, std::uint64_t timeout_ns);

enum class [[nodiscard]] SendStatus {
  kSent,
  kWouldBlock,  ///< The peer's queue is full; nothing was sent.
};

/// One frame whose payload is `head` and `body` behind each other.
struct OutgoingFrame {
  protocol::RequestHeader header;  ///< payload_len is filled in by send_frame().
  std::uint64_t correlation = 0;
  ByteSpan head;
  ByteSpan body;
  int attached_fd = -1;  ///< Goes along unless -1; the caller keeps its own copy.
};

/// kTooLarge above protocol::kInlinePayloadBytesMax, kDisconnected/kClosed if the peer is gone.
Result<SendStatus> send_frame(int socket_fd, const OutgoingFrame& frame);

struct ReceivedFrame {
  protocol::FrameHeader header;  ///< Checked by protocol::check_header; commit is zero.
  ByteSpan payload;              ///< In the caller's buffer.
  UniqueFd attached;             ///< Only with Method::kHello, kMemory and kRings.
  /// What was attached did not arrive, because this process has no descriptor left.
  bool lost_attachment = false;
};

/// Receives one frame into `buffer` (protocol::kSocketFrameBytesMax bytes hold any); nothing if
/// none is there. kDisconnected/kClosed at end of file. kInvalid/kProtocolViolation, with every
/// descriptor closed, for a message that is truncated, is shorter or longer than its header says,
/// breaks a rule of the header, or brings a descriptor that is surplus or uninvited.
Result<std::optional<ReceivedFrame>> recv_frame(int socket_fd, MutableByteSpan buffer);

/// True while something that was sent waits in the peer's queue, the files that go with it
/// included; also where the kernel does not say.
bool has_untaken_frames(int socket_fd) noexcept;

/// Rings the peer. A full queue counts as rung: the peer has something to wake up for.
Result<void> ring_doorbell(int socket_fd);

/// What waits at the socket; a doorbell is taken out, everything else stays.
enum class [[nodiscard]] SocketState {
  kQuiet,
  kDoorbell,
  kFrame,  ///< Call recv_frame().
  kClosed,
};
SocketState take_doorbell(int socket_fd) noexcept;

/// User and process at the other end, as the kernel noted them when it connected.
Result<uid_t> peer_uid(int socket_fd);
Result<pid_t> peer_pid(int socket_fd);

/// A descriptor that becomes readable when the process that connected ends. Kernels before 6.5
/// open it by number, which can name a stranger if that process has already ended: use it only
/// while the socket is still open. kDisconnected/kClosed if the process is gone.
Result<UniqueFd> peer_pidfd(int socket_fd, KernelAbility so_peerpidfd);

}  // namespace mcpwire::ring
