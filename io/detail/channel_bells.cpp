// SPDX-License-Identifier: MIT
//
// How much of the loop a client's socket frames beside its rings may take: each costs a bell, work
// for us gives bells back, and without any the socket is left alone for a while.
#include "io/client_channel.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mcpwire::io {

namespace {

/// More than a correct client ever needs for one message: a bell, its file, a bell for our answer.
constexpr std::size_t kBellsPerMessage = 4;

}  // namespace

/// False while the client has rung too often. After its end no more can come than there is.
bool ClientChannel::may_read_bells() {
  if (peer_hung_up_) return true;
  Active& active = *active_;
  if (active.bells_left == 0 && !active.bell_pause) {
    active.bell_pause = std::make_unique<BellPause>(*this);
    host_.loop().arm(*active.bell_pause, host_.loop().now_ns() + host_.options().bell_pause_ns);
  }
  return !active.bell_pause;
}

/// Whoever gives us work may ring: a burst that outran us is forgiven with its records.
void ClientChannel::earn_bells(std::size_t work) noexcept {
  Active& active = *active_;
  active.bells_left = static_cast<std::uint8_t>(
      std::min<std::size_t>(kBellsMax, active.bells_left + kBellsPerMessage * work));
  if (!active.bell_pause || active.bells_left < kBellsMax / 2) return;
  active.bell_pause.reset();
  host_.loop().post_next_turn(active_->later);
}

void ClientChannel::BellPause::on_timer() { channel.end_bell_pause(); }  // Destroys us.

void ClientChannel::end_bell_pause() {
  active_->bell_pause.reset();
  active_->bells_left = kBellsMax;
  make_hot();  // What was not heard may have announced a record.
  read_socket();
}

/// The file was sent before its record, but it may not have been looked for yet: once in a turn
/// that is done. False: it may still be in the socket, the record has to wait.
bool ClientChannel::is_file_here(const ring::FrameView& view, SocketLook& look) {
  if ((view.header.request.flags & protocol::flag::kMapped) == 0) return true;
  std::array<std::byte, sizeof(protocol::MappedDescriptor)> descriptor;
  copy_bytes(descriptor, view.volatile_payload);
  if (active_->inbox.has_file_for(view.header, descriptor)) return true;
  if (std::exchange(look, SocketLook::kUsed) == SocketLook::kUsed) return false;
  read_socket();
  if (active_->inbox.has_file_for(view.header, descriptor)) return true;
  return !socket_has_more_ || active_->inbox.is_full();  // What is not there then never comes.
}

}  // namespace mcpwire::io
