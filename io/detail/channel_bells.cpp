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
  if (bells_left_ == 0 && !bell_pause_) {
    bell_pause_ = std::make_unique<BellPause>(*this);
    host_.loop().arm(*bell_pause_, host_.loop().now_ns() + host_.options().bell_pause_ns);
  }
  return !bell_pause_;
}

/// Whoever gives us work may ring: a burst that outran us is forgiven with its records.
void ClientChannel::earn_bells(std::size_t work) noexcept {
  bells_left_ = static_cast<std::uint8_t>(
      std::min<std::size_t>(kBellsMax, bells_left_ + kBellsPerMessage * work));
  if (!bell_pause_ || bells_left_ < kBellsMax / 2) return;
  bell_pause_.reset();
  host_.loop().post_next_turn(later_);
}

void ClientChannel::end_bell_pause() {
  bell_pause_.reset();
  bells_left_ = kBellsMax;
  make_hot();  // What was not heard may have announced a record.
  read_socket();
}

/// The file was sent before its record, but it may not have been looked for yet: once in a turn
/// that is done. False: it may still be in the socket, the record has to wait.
bool ClientChannel::is_file_here(const ring::FrameView& view, SocketLook& look) {
  if ((view.header.request.flags & protocol::flag::kMapped) == 0) return true;
  std::array<std::byte, sizeof(protocol::MappedDescriptor)> descriptor;
  copy_bytes(descriptor, view.volatile_payload);
  if (inbox_.has_file_for(view.header, descriptor)) return true;
  if (std::exchange(look, SocketLook::kUsed) == SocketLook::kUsed) return false;
  read_socket();
  if (inbox_.has_file_for(view.header, descriptor)) return true;
  return !socket_has_more_ || inbox_.is_full();  // What is not there then never comes.
}

}  // namespace mcpwire::io
