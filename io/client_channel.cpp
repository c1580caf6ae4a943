// SPDX-License-Identifier: MIT
//
// The life of a channel: its begin, what it sends, and its end. The rest is in io/detail/channel_*.
#include "io/client_channel.hpp"

#include "protocol/base/check.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace mcpwire::io {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using ring::Charge;
using ring::Resource;

namespace {

bool is_answer(const protocol::RequestHeader& header) noexcept {
  const FrameKind kind = protocol::kind_of(header.flags);
  return kind == FrameKind::kResponse || kind == FrameKind::kError;
}

/// Failures of one message leave the connection as it is; these do not.
bool ends_connection(const Error& error) noexcept {
  return error.kind == ErrorKind::kDisconnected || error.code == ErrorCode::kProtocolViolation;
}

}  // namespace

Result<std::unique_ptr<ClientChannel>> ClientChannel::create(ChannelHost& host, UniqueFd socket) {
  if (TRY(ring::peer_uid(socket.get())) != ::geteuid()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kPeerRefused);
  }
  const auto refuse = [&](const char* why) {
    Error error =
        Error::with_detail(ErrorKind::kOverloaded, ErrorCode::kQueueFull, std::string(why));
    detail::send_refusal(socket.get(), 0, error);
    return fail(std::move(error));
  };
  if (host.handshaking_ >= host.options().handshakes_max) {
    return refuse("too many connections without a handshake");
  }
  std::shared_ptr<detail::PeerProcess> process = TRY(host.processes_.find(socket.get()));
  Charge connection(process->account(), Resource::kConnections);
  Charge handshake(process->account(), Resource::kHandshakes);
  if (!connection.try_set(1) || !handshake.try_set(1)) {
    host.note_over_quota(*process, "connections");
    return refuse("this process has too many connections");
  }
  return std::unique_ptr<ClientChannel>(new ClientChannel(
      host, std::move(socket), std::move(process), std::move(connection), std::move(handshake)));
}

ClientChannel::ClientChannel(ChannelHost& host, UniqueFd socket,
                             std::shared_ptr<detail::PeerProcess> process, Charge connection,
                             Charge handshake)
    : Member(std::move(process), std::move(connection)),
      host_(host),
      socket_(std::move(socket)),
      handshake_(std::make_unique<Handshake>(*this, std::move(handshake))) {
  static_assert(sizeof(ClientChannel) <= 120);  // Of which idle connections consist.
  ++host_.handshaking_;
}

ClientChannel::~ClientChannel() { leave_open_state(); }

void ClientChannel::start(Receiver& receiver) {
  MCPWIRE_CHECK(state_ == State::kNew);
  receiver_ = &receiver;
  state_ = State::kHandshake;
  host_.loop().arm(*handshake_, host_.loop().now_ns() + host_.options().handshake_timeout_ns);
  process().join(*this);
  socket_watch_.start(host_.loop(), socket_.get(), *this, WatchMode::kEachArrival);
}

/// Gives back what the host counts for us. The rest stays: whoever called us may be reading it.
void ClientChannel::leave_open_state() noexcept {
  if (state_ == State::kClosed) return;
  if (state_ == State::kOpen) {
    --host_.open_;
  } else {
    --host_.handshaking_;
  }
  state_ = State::kClosed;
  socket_watch_.stop();
  Member::unlink();
  handshake_.reset();
  if (active_) {
    active_->unlink();
    if (active_->rings) --host_.with_rings_;
    MCPWIRE_CHECK(host_.unanswered_ >= active_->unanswered);
    host_.unanswered_ -= std::exchange(active_->unanswered, 0);
    active_->room_watcher.reset();
    active_->bell_pause.reset();
    host_.loop().disarm(active_->idle_timer);
  }
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
  ending_ = std::make_unique<Ending>(*this, why);
  leave_open_state();
  host_.loop().post(*ending_);
}

void ClientChannel::tell_end() {
  if (receiver_ == nullptr) return;
  const Error why = std::move(ending_->why);
  std::exchange(receiver_, nullptr)->on_channel_closed(why);  // May destroy us.
}

void ClientChannel::Handshake::on_timer() {
  channel.shut(
      Error::with_detail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded, "no HELLO in time"));
}

void ClientChannel::on_process_ended() {
  shut(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
}

void ClientChannel::settle_answers() {
  if (active_) active_->outbox.settle_files();
}

Result<void> ClientChannel::send(const protocol::RequestHeader& header, std::uint64_t correlation,
                                 ByteSpan head, ByteSpan body) {
  if (state_ != State::kOpen) return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  // Nothing is in flight then: an event comes too late, an answer belongs to no request.
  if (has_retired_) return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull);
  if (!ensure_active()) return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  Active& active = *active_;
  active.last_message_ns = host_.loop().now_ns();
  const bool is_late_answer = is_answer(header) && active.delivering != correlation;
  if (is_answer(header)) {
    if (active.delivering == correlation) active.delivering = 0;
    if (active.unanswered != 0) {
      --active.unanswered;
      --host_.unanswered_;
      active.charges.end(correlation);
    }
  }
  Result<void> sent = active.outbox.send(header, correlation, head, body);
  if (!sent && ends_connection(sent.error())) {
    shut(sent.error());
  } else {
    look_for_room();
    if (is_late_answer) look_out_for_next();
  }
  return sent;
}

void ClientChannel::publish_call_state(std::uint64_t correlation, protocol::CallState state) {
  // Without rings only SENDING is told: it alone decides what the client may believe.
  if (state_ != State::kOpen || !has_rings()) return;
  // Whoever reads kDone after our death must find the answer in the ring.
  const bool is_done = state == protocol::CallState::kDone;
  if (is_done && active_->outbox.publish_done_behind(correlation)) return;
  active_->rings->call_words.publish(correlation, state);
}

bool ClientChannel::begin_sending(std::uint64_t correlation) {
  if (state_ != State::kOpen || !active_) return false;
  return active_->rings ? active_->rings->call_words.begin_sending(correlation)
                        : active_->outbox.send_intent(correlation);
}

}  // namespace mcpwire::io
