// SPDX-License-Identifier: MIT
//
// A channel's part in the turns of the loop: what it does in each, and whether it may sleep.
#include "io/client_channel.hpp"

namespace mcpwire::io {

namespace {

/// Sleeps of the loop in a row without work from a client after which it is no longer polled.
constexpr std::uint8_t kQuietWakesMax = 4;

}  // namespace

/// Sees to it that somebody tells when there is room again.
void ClientChannel::look_for_room() {
  Active& active = *active_;
  if (!active.outbox.has_pending()) {
    active.room_watcher.reset();
    return;
  }
  if (!active.outbox.waits_for_socket()) return make_hot();
  if (!active.room_watcher) {
    active.room_watcher =
        std::make_unique<FdWatcher>(host_.loop(), socket_.get(), active.room_watch);
  }
  active.room_watcher->start(WatchMode::kOnce, WatchFor::kWritable);
}

void ClientChannel::RoomWatch::on_ready(unsigned /*events*/) { channel.flush(); }

/// True if anything went out.
bool ClientChannel::flush() {
  if (state_ != State::kOpen || !has_unsent()) return false;
  const auto flushed = active_->outbox.flush();
  if (!flushed) {
    shut(flushed.error());
    return false;
  }
  look_for_room();
  if (socket_has_more_ && !is_throttled()) host_.loop().post_next_turn(active_->later);
  if (!has_unsent() && receiver_ != nullptr) receiver_->on_all_sent();
  return *flushed;
}

/// A client that does not take its answers gets no further request taken.
bool ClientChannel::is_throttled() const noexcept {
  const detail::ChannelOutbox& outbox = active_->outbox;
  return outbox.pending_bytes() > host_.options().pending_bytes_max / 2 ||
         (outbox.has_pending() && !active_->charges.has_share_for_answers());
}

bool ClientChannel::poll() {
  if (state_ != State::kOpen) return false;
  const bool has_flushed = !active_->outbox.waits_for_socket() && flush();
  if (state_ != State::kOpen) return true;
  const auto taken = take_records();
  if (!taken) {
    shut(taken.error());
    return true;
  }
  if (has_flushed) earn_bells(1);
  const bool worked = *taken || has_flushed;
  if (worked) {
    active_->quiet_wakes = 0;
  } else if (active_->quiet_wakes >= kQuietWakesMax) {
    try_cool_down();
  }
  return worked;
}

bool ClientChannel::prepare_park() {
  if (state_ != State::kOpen) return true;
  Active& active = *active_;
  const bool takes_none = is_throttled() || (active.record_waits && active.bell_pause);
  if (!takes_none && active.rings->consumer.prepare_park()) return false;
  const auto has_room = active.outbox.prepare_park();
  if (!has_room) {
    shut(has_room.error());
    return false;
  }
  return !*has_room;
}

void ClientChannel::unpark(LoopSlept slept) {
  if (state_ != State::kOpen) return;
  Active& active = *active_;
  active.rings->consumer.unpark();
  active.outbox.unpark();
  // Turns that others keep from sleeping say nothing about this client.
  if (slept == LoopSlept::kYes && active.quiet_wakes < kQuietWakesMax) ++active.quiet_wakes;
}

void ClientChannel::make_hot() {
  if (state_ != State::kOpen || !has_rings() || active_->is_linked()) return;
  active_->rings->consumer.unpark();
  active_->outbox.unpark();
  active_->quiet_wakes = 0;
  host_.loop().add_poller(*active_);
}

/// From here on the client has to ring: ten thousand idle clients cost a turn nothing.
void ClientChannel::try_cool_down() {
  if (has_unsent() || socket_has_more_) return;
  ring::Consumer& consumer = active_->rings->consumer;
  if (consumer.prepare_park()) return consumer.unpark();
  host_.loop().remove_poller(*active_);
}

}  // namespace mcpwire::io
