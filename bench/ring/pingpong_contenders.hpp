// SPDX-License-Identifier: MIT
//
// The contenders of ring_pingpong: one hop from one process to another, six ways.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/unique_fd.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace mcpwire::bench {

enum class Role { kCaller, kPeer };
enum class SocketKind { kSeqpacket, kStream };

/// What both processes share because it was made before the fork: a control socket pair, over
/// which everything else is exchanged.
class LaneFiles {
 public:
  LaneFiles();
  /// After the fork: closes the other side's end.
  void use(Role role) noexcept;
  int control() const noexcept { return own_.get(); }

 private:
  std::array<UniqueFd, 2> ends_;
  UniqueFd own_;
};

class Contender {
 public:
  virtual ~Contender() = default;
  virtual const char* name() const noexcept = 0;
  /// True if a hop costs a wake-up.
  virtual bool sleeps() const noexcept { return false; }
  /// False if the other process is gone.
  virtual bool send(ByteSpan payload) = 0;
  /// True if the payload is not carried.
  virtual bool is_signal_only() const noexcept { return false; }
  /// Receives exactly payload.size() bytes.
  virtual bool receive(MutableByteSpan payload) = 0;
};

enum class RingWait { kSpin, kPark };

/// Null if the set-up fails. Both processes call the same functions in the same order.
std::unique_ptr<Contender> make_ring_contender(Role role, LaneFiles& files, RingWait wait);
std::unique_ptr<Contender> make_bare_contender(Role role, LaneFiles& files,
                                               std::uint32_t payload_bytes);
/// One byte per hop, whatever the payload: what waking the other side costs by itself. Waits as a
/// parked ring does, in ppoll() on the socket.
std::unique_ptr<Contender> make_byte_contender(Role role, LaneFiles& files);
std::unique_ptr<Contender> make_socket_contender(Role role, LaneFiles& files, SocketKind kind);

}  // namespace mcpwire::bench
