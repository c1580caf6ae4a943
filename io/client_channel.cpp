// SPDX-License-Identifier: MIT
//
// The life of a channel: watching the client, sending, and the end. What it receives:
// io/detail/channel_receive.cpp.
#include "io/client_channel.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/system_clock.hpp"
#include "ring/wake_price.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace mcpwire::io {

using protocol::FrameKind;

namespace {

/// Sleeps of the loop in a row without work from a client after which it is no longer polled.
constexpr std::uint8_t kQuietWakesMax = 4;

bool is_answer(const protocol::RequestHeader& header) noexcept {
  const FrameKind kind = protocol::kind_of(header.flags);
  return kind == FrameKind::kResponse || kind == FrameKind::kError;
}

/// Failures of one message leave the connection as it is; these do not.
bool ends_connection(const Error& error) noexcept {
  return error.kind == ErrorKind::kDisconnected || error.code == ErrorCode::kProtocolViolation;
}

}  // namespace

ChannelHost::ChannelHost(Loop& loop, ChannelHostOptions options)
    : loop_(loop),
      options_(std::move(options)),
      processes_(loop, options_.quota),
      spin_budget_(options_.spinning_clients_max, options_.client_spin_ns),
      slabs_(loop, options_.slabs),
      rings_memory_(sizeof(ClientChannel::Rings)),
      scratch_(protocol::kSocketFrameBytesMax) {}

void ChannelHost::set_wake_price(std::uint64_t wake_ns) noexcept {
  const ring::SpinLimits limits = ring::spin_limits(wake_ns);
  options_.spin_ns = limits.server_ns;
  spin_budget_.set_spin_ns(limits.client_ns);
}

Result<std::unique_ptr<ClientChannel>> ClientChannel::create(ChannelHost& host, UniqueFd socket) {
  if (TRY(ring::peer_uid(socket.get())) != ::geteuid()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kPeerRefused);
  }
  if (host.handshaking_ >= host.options().handshakes_max) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                std::string("too many connections without a handshake"));
  }
  detail::ChannelCharges charges(TRY(host.processes_.find(socket.get())));
  if (!charges.try_connect()) {
    host.note_over_quota(charges.process(), "connections");
    const std::string why = "this process has too many connections";
    const std::string refusal = detail::build_refusal(why, protocol::feature::kSupported);
    static_cast<void>(ring::send_frame(
        socket.get(), {protocol::make_header(FrameKind::kError, protocol::Method::kHello,
                                             protocol::Outcome::kRejected),
                       0,
                       as_bytes(refusal),
                       {},
                       -1}));
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull, why);
  }
  return std::unique_ptr<ClientChannel>(
      new ClientChannel(host, std::move(socket), std::move(charges)));
}

void ChannelHost::note_over_quota(detail::PeerProcess& process, const char* what) {
  if (process.is_first_refusal() && options_.on_over_quota) {
    options_.on_over_quota(process.pid(), what);
  }
}

ClientChannel::ClientChannel(ChannelHost& host, UniqueFd socket, detail::ChannelCharges charges)
    : host_(host),
      socket_(std::move(socket)),
      charges_(std::move(charges)),
      inbox_(host.options().reassembly_bytes_max),
      outbox_(host.options().pending_bytes_max),
      socket_watcher_(host.loop(), socket_.get(), *this) {
  static_assert(sizeof(ClientChannel) <= 536);  // Most of what an idle connection takes.
  ++host_.handshaking_;
}

ClientChannel::~ClientChannel() { leave_open_state(); }

void ClientChannel::start(Receiver& receiver) {
  MCPWIRE_CHECK(state_ == State::kNew);
  receiver_ = &receiver;
  state_ = State::kHandshake;
  handshake_timer_ = std::make_unique<PatienceTimer>(*this);
  host_.loop().arm(*handshake_timer_, host_.loop().now_ns() + host_.options().handshake_timeout_ns);
  charges_.process().join(peer_death_);
  socket_watcher_.start(WatchMode::kEachArrival);
}

/// Gives back what the host counts for us. The rings stay: whoever called us may be reading them.
void ClientChannel::leave_open_state() noexcept {
  if (state_ == State::kClosed) return;
  if (state_ == State::kOpen) {
    --host_.open_;
  } else {
    --host_.handshaking_;
  }
  if (rings_) --host_.with_rings_;
  MCPWIRE_CHECK(host_.unanswered_ >= unanswered_);
  host_.unanswered_ -= unanswered_;
  unanswered_ = 0;
  state_ = State::kClosed;
  Poller::unlink();
  socket_watcher_.stop();
  peer_death_.unlink();
  room_watcher_.reset();
  handshake_timer_.reset();
  bell_pause_.reset();
  if (rings_) host_.loop().disarm(rings_->idle_timer);
  // Shut down, not only closed: the kernel may hold the file a little longer for its watchers.
  ::shutdown(socket_.get(), SHUT_RDWR);
}

void ClientChannel::close() noexcept {
  receiver_ = nullptr;
  leave_open_state();
}

void ClientChannel::shut(const Error& why) {
  if (state_ == State::kClosed) return;
  if (why.kind == ErrorKind::kInvalid) {
    ++host_.violations_;
    if (host_.options().on_violation) host_.options().on_violation(peer_process_id(), why);
  }
  closed_why_ = std::make_unique<Error>(why);
  leave_open_state();
  host_.loop().post(later_);
}

void ClientChannel::LaterWork::run() { channel.run_later(); }

void ClientChannel::run_later() {
  if (state_ != State::kClosed) return read_socket();
  if (!closed_why_ || receiver_ == nullptr) return;
  const Error why = std::move(*closed_why_);
  std::exchange(receiver_, nullptr)->on_channel_closed(why);  // May destroy us.
}

void ClientChannel::PatienceTimer::on_timer() {
  if (channel.state_ == State::kOpen) return channel.retire_rings_if_idle();
  channel.shut(
      Error::with_detail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded, "no HELLO in time"));
}

void ClientChannel::BellPause::on_timer() { channel.end_bell_pause(); }  // Destroys us.

void ClientChannel::PeerDeath::on_process_ended() {
  channel.shut(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
}

void ClientChannel::RoomWatch::on_ready(unsigned /*events*/) { channel.flush(); }

Result<void> ClientChannel::send(const protocol::RequestHeader& header, std::uint64_t correlation,
                                 ByteSpan head, ByteSpan body) {
  if (state_ != State::kOpen) return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  // Nothing is in flight then: an event comes too late, an answer belongs to no request.
  if (has_retired_) return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  last_message_ns_ = host_.loop().now_ns();
  const bool is_late_answer = is_answer(header) && delivering_ != correlation;
  if (is_answer(header)) {
    if (delivering_ == correlation) delivering_ = 0;
    if (unanswered_ != 0) {
      --unanswered_;
      --host_.unanswered_;
      charges_.end(correlation);
    }
  }
  Result<void> sent = outbox_.send(header, correlation, head, body);
  note_pending();
  if (!sent && ends_connection(sent.error())) {
    shut(sent.error());
  } else {
    look_for_room();
    if (is_late_answer) look_out_for_next();
  }
  return sent;
}

/// Sees to it that somebody tells when there is room again.
void ClientChannel::look_for_room() {
  if (!outbox_.has_pending()) {
    room_watcher_.reset();
    return;
  }
  if (!outbox_.waits_for_socket()) return make_hot();
  if (!room_watcher_) {
    room_watcher_ = std::make_unique<FdWatcher>(host_.loop(), socket_.get(), room_watch_);
  }
  room_watcher_->start(WatchMode::kOnce, WatchFor::kWritable);
}

void ClientChannel::flush() {
  if (state_ != State::kOpen || !outbox_.has_pending()) return;
  const auto flushed = outbox_.flush();
  note_pending();
  if (!flushed) return shut(flushed.error());
  look_for_room();
  if (socket_has_more_ && !is_throttled()) host_.loop().post_next_turn(later_);
  if (!outbox_.has_pending() && receiver_ != nullptr) receiver_->on_all_sent();
}

void ClientChannel::publish_call_state(std::uint64_t correlation, protocol::CallState state) {
  // Without rings only SENDING is told: it alone decides what the client may believe.
  if (state_ != State::kOpen || !rings_) return;
  // Whoever reads kDone after our death must find the answer in the ring.
  const bool is_done = state == protocol::CallState::kDone;
  if (is_done && outbox_.publish_done_behind(correlation)) return;
  rings_->call_words.publish(correlation, state);
}

bool ClientChannel::begin_sending(std::uint64_t correlation) {
  if (state_ != State::kOpen) return false;
  return rings_ ? rings_->call_words.begin_sending(correlation) : outbox_.send_intent(correlation);
}

/// A client that does not take its answers gets no further request taken.
bool ClientChannel::is_throttled() const noexcept {
  return outbox_.pending_bytes() > host_.options().pending_bytes_max / 2 ||
         charges_.is_over_share();
}

void ClientChannel::note_pending() { charges_.hold_pending(outbox_.pending_bytes()); }

bool ClientChannel::poll() {
  if (state_ != State::kOpen) return false;
  const std::size_t pending_before = outbox_.pending_bytes();
  if (outbox_.has_pending() && !outbox_.waits_for_socket()) flush();
  if (state_ != State::kOpen) return true;
  const auto taken = take_records();
  if (!taken) {
    shut(taken.error());
    return true;
  }
  const bool has_flushed = outbox_.pending_bytes() < pending_before;
  if (has_flushed) earn_bells(1);
  const bool worked = *taken || has_flushed;
  if (worked) {
    quiet_wakes_ = 0;
  } else if (quiet_wakes_ >= kQuietWakesMax) {
    try_cool_down();
  }
  return worked;
}

bool ClientChannel::prepare_park() {
  if (state_ != State::kOpen) return true;
  const bool takes_none = is_throttled() || (record_waits_ && bell_pause_);
  if (!takes_none && rings_->consumer.prepare_park()) return false;
  const auto has_room = outbox_.prepare_park();
  if (!has_room) {
    shut(has_room.error());
    return false;
  }
  return !*has_room;
}

void ClientChannel::unpark(LoopSlept slept) {
  if (state_ != State::kOpen) return;
  rings_->consumer.unpark();
  outbox_.unpark();
  // Turns that others keep from sleeping say nothing about this client.
  if (slept == LoopSlept::kYes && quiet_wakes_ < kQuietWakesMax) ++quiet_wakes_;
}

void ClientChannel::make_hot() {
  if (state_ != State::kOpen || !rings_ || Poller::is_linked()) return;
  rings_->consumer.unpark();
  outbox_.unpark();
  quiet_wakes_ = 0;
  host_.loop().add_poller(*this);
}

/// From here on the client has to ring: ten thousand idle clients cost a turn nothing.
void ClientChannel::try_cool_down() {
  if (outbox_.has_pending() || socket_has_more_) return;
  if (rings_->consumer.prepare_park()) return rings_->consumer.unpark();
  host_.loop().remove_poller(*this);
}

}  // namespace mcpwire::io
