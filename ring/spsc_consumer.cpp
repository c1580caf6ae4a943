// SPDX-License-Identifier: MIT
#include "ring/spsc_ring.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/untrusted.hpp"
#include "ring/detail/prefetch.hpp"

#include <algorithm>
#include <atomic>

namespace mcpwire::ring {

namespace {

/// How far ahead a backlog is fetched. Where the next record is, only this one says, so without it
/// each record would be a cache miss behind the one before.
constexpr std::uint64_t kFetchAheadBytes = 384;

}  // namespace

Consumer::Consumer(SegmentMemory own, PeerMemory peer, std::uint64_t start_position) noexcept
    : own_(own), peer_(peer), position_(start_position), published_(start_position) {
  MCPWIRE_CHECK(is_ring_bytes(peer.ring_bytes));
  MCPWIRE_CHECK(start_position % kGranuleBytes == 0);
  publish_position();
}

Failure Consumer::violation() noexcept {
  violated_ = true;
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
}

/// A pad fills the ring to its end, and no producer needs one that is as large as the largest
/// record: a record of that size would have fitted. This also refuses a pad at offset 0, so two
/// pads never follow each other.
bool Consumer::is_valid_pad(const protocol::RequestHeader& header,
                            std::uint64_t room) const noexcept {
  return header.magic == protocol::kMagic && header.version == protocol::kWireVersion &&
         header.flags == protocol::make_flags(protocol::FrameKind::kPad) && header.method == 0 &&
         header.payload_len == room && room < peer_.ring_bytes / 4;
}

Result<std::optional<FrameView>> Consumer::peek() noexcept {
  if (violated_) [[unlikely]]
    return violation();
  if (peeked_bytes_ != 0) return std::optional(peeked_);
  for (;;) {
    const std::byte* record = record_at(position_);
    const std::uint32_t commit =
        detail::commit_word(record).load(std::memory_order_acquire);  // SYNC [ring.commit] acquire
    if (commit == 0) return std::nullopt;
    if (commit != lap_tag(position_)) return violation();
    const std::uint64_t room = peer_.ring_bytes - (position_ & (peer_.ring_bytes - 1));
    protocol::FrameHeader header = detail::copy_header(record);
    if (protocol::kind_of(header.request.flags) == protocol::FrameKind::kPad) {
      if (!is_valid_pad(header.request, room)) return violation();
      position_ += room;
      continue;
    }
    const std::uint32_t payload_max = record_payload_bytes_max(peer_.ring_bytes);
    if (protocol::check_header(header.request, payload_max) != protocol::HeaderFault::kOk) {
      return violation();
    }
    const auto payload_bytes = Untrusted(header.request.payload_len).checked(payload_max);
    if (!payload_bytes || record_bytes(*payload_bytes) > room) return violation();
    header.commit = 0;
    peeked_bytes_ = record_bytes(*payload_bytes);
    peeked_ = {header, ByteSpan(record + sizeof(header), *payload_bytes)};
    return std::optional(peeked_);
  }
}

void Consumer::release() noexcept {
  MCPWIRE_CHECK(peeked_bytes_ != 0);
  position_ += peeked_bytes_;
  peeked_bytes_ = 0;
  fetch_backlog();
  if (position_ - published_ >= credit_step_bytes(peer_.ring_bytes)) {
    publish_position();
    has_untold_credits_ = true;
  }
}

/// Only where the next record is there already: while the two ends take turns, the lines ahead are
/// the producer's, who would have to fetch them back.
void Consumer::fetch_backlog() noexcept {
  if (detail::commit_hint(record_at(position_)) == 0) return;
  std::uint64_t line = fetched_position_ - position_;
  if (line > kFetchAheadBytes) line = kCacheLineBytes;
  for (; line < kFetchAheadBytes; line += kCacheLineBytes) {
    detail::prefetch_for_read(record_at(position_ + line));
  }
  fetched_position_ = position_ + line;
}

void Consumer::publish_position() noexcept {
  published_ = position_;
  detail::word(own_.page->consumer_position)
      .store(position_, std::memory_order_seq_cst);  // SYNC [ring.space] [ring.space_park] release
}

bool Consumer::peer_waits_for_space() noexcept {
  has_untold_credits_ = false;
  if (position_ != published_) publish_position();
  const std::uint64_t seen =
      detail::ReadOnlyWord<std::uint64_t>(peer_.page->space_wait_word)
          .load(std::memory_order_seq_cst);  // SYNC [ring.space_park] acquire
  if (!wait_word_asleep(seen) || seen == rung_word_) return false;
  rung_word_ = seen;
  return true;
}

bool Consumer::prepare_park() noexcept { return announce_and_look(make_wait_word(++epoch_, true)); }

bool Consumer::announce_and_look(std::uint64_t wait_word) noexcept {
  if (position_ != published_) publish_position();
  detail::word(own_.page->wait_word)
      .store(wait_word, std::memory_order_seq_cst);  // SYNC [ring.park] release
  const std::uint32_t commit = detail::commit_word(record_at(position_))
                                   .load(std::memory_order_seq_cst);  // SYNC [ring.park] acquire
  return violated_ || peeked_bytes_ != 0 || commit != 0;
}

void Consumer::unpark() noexcept {
  detail::word(own_.page->wait_word)
      .store(make_wait_word(epoch_, false), std::memory_order_relaxed);
}

bool Consumer::prepare_retire() noexcept {
  // A new epoch: a producer that rang for the last one must ring again if this is taken back.
  return announce_and_look(kRetiringWaitWord | make_wait_word(++epoch_, false));
}

void Consumer::retire() noexcept {
  detail::word(own_.page->wait_word)
      .store(kRetiredWaitWord, std::memory_order_release);  // SYNC [ring.retire] release
}

}  // namespace mcpwire::ring
