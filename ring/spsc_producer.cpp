// SPDX-License-Identifier: MIT
#include "ring/spsc_ring.hpp"

#include "protocol/base/check.hpp"
#include "ring/detail/prefetch.hpp"

#include <algorithm>
#include <atomic>

namespace mcpwire::ring {

using detail::commit_word;

namespace {

/// How far beyond the next record lines are fetched. A line takes as long to come as several small
/// records take to write; a stream of them is fast only while the lines come beside each other.
constexpr std::uint64_t kFetchAheadBytes = 512;
/// Of one record, so that a commit stays short.
constexpr std::uint64_t kFetchRecordBytesMax = 64 * 1024;

}  // namespace

Producer::Producer(SegmentMemory own, PeerMemory peer, std::uint64_t start_position) noexcept
    : own_(own), peer_(peer), position_(start_position), credited_(start_position) {
  MCPWIRE_CHECK(is_ring_bytes(own.ring_bytes));
  MCPWIRE_CHECK(start_position % kGranuleBytes == 0);
}

std::uint64_t Producer::visible_position() const noexcept {
  return batch_open_ ? batch_start_ : position_;
}

/// `needed` and the pad in front of it, if the record would cross the end of the ring.
std::uint64_t Producer::bytes_with_pad(std::uint64_t needed) const noexcept {
  const std::uint64_t room = own_.ring_bytes - (position_ & (own_.ring_bytes - 1));
  return needed > room ? room + needed : needed;
}

/// One granule more than the record takes: the commit word behind it is zeroed before it is
/// published, and must not belong to a record that the peer still reads.
bool Producer::fits(std::uint64_t total) const noexcept {
  return position_ + total + kGranuleBytes - credited_ <= own_.ring_bytes;
}

bool Producer::refresh_credits() noexcept {
  const std::uint64_t head =
      detail::ReadOnlyWord<std::uint64_t>(peer_.page->consumer_position)
          .load(std::memory_order_seq_cst);  // SYNC [ring.space] [ring.space_park] acquire
  // Distances, not positions: they survive the wrap at 2^64.
  const std::uint64_t unread_before = visible_position() - credited_;
  const std::uint64_t unread = visible_position() - head;
  if (unread > unread_before || head % kGranuleBytes != 0) {
    corrupt_ = true;
    return false;
  }
  credited_ = head;
  return true;
}

std::optional<MutableByteSpan> Producer::try_reserve(std::uint32_t payload_bytes) noexcept {
  MCPWIRE_CHECK(!reservation_open_);
  MCPWIRE_CHECK(payload_bytes <= payload_bytes_max());
  const std::uint64_t needed = record_bytes(payload_bytes);
  const std::uint64_t total = bytes_with_pad(needed);
  if (corrupt_) [[unlikely]]
    return std::nullopt;
  if (!fits(total) && (!refresh_credits() || !fits(total))) return std::nullopt;
  reservation_open_ = true;
  reserved_bytes_ = payload_bytes;
  pad_bytes_ = static_cast<std::uint32_t>(total - needed);
  std::byte* record = record_at(position_ + pad_bytes_);
  return MutableByteSpan(record + sizeof(protocol::FrameHeader), payload_bytes);
}

void Producer::write_pad() noexcept {
  const protocol::RequestHeader pad{protocol::kMagic, protocol::kWireVersion,
                                    protocol::make_flags(protocol::FrameKind::kPad), 0, pad_bytes_};
  detail::write_header(record_at(position_), pad, 0);
}

void Producer::commit(protocol::RequestHeader header, std::uint64_t correlation,
                      std::uint32_t payload_bytes) noexcept {
  MCPWIRE_CHECK(reservation_open_);
  MCPWIRE_CHECK(payload_bytes <= reserved_bytes_);
  MCPWIRE_CHECK(protocol::kind_of(header.flags) != protocol::FrameKind::kPad);
  const std::uint64_t first = position_;
  const std::uint64_t record = first + pad_bytes_;
  const std::uint64_t end = record + record_bytes(payload_bytes);

  header.payload_len = payload_bytes;
  detail::write_header(record_at(record), header, correlation);
  if (pad_bytes_ != 0) write_pad();
  // Whatever an earlier lap left there must not pass for a commit word once `record` is visible.
  // A reservation that was larger may have been written to beyond `end`.
  const bool wrote_beyond_end = record_bytes(reserved_bytes_) != end - record;
  if (end != zeroed_position_ || wrote_beyond_end) {
    commit_word(record_at(end)).store(0, std::memory_order_relaxed);
  }
  publish(first, record);

  position_ = end;
  reservation_open_ = false;
  prepare_next(end - record);
}

/// Zeroes the commit word behind the next record, if it has the size of this one, and fetches its
/// lines and some more. They are in the peer's cache since the last lap; fetching them now, while
/// the peer works, and not between the next record and its commit word takes that out of every
/// round trip.
void Producer::prepare_next(std::uint64_t bytes) noexcept {
  const std::uint64_t behind = position_ + bytes;
  zeroed_position_ = kNoPosition;
  if (behind + kGranuleBytes - credited_ > own_.ring_bytes) return;
  commit_word(record_at(behind)).store(0, std::memory_order_relaxed);
  zeroed_position_ = behind;
  fetch_ahead(bytes);
}

/// Each line once, and none that the peer has not given back: it may be reading there.
void Producer::fetch_ahead(std::uint64_t record_bytes) noexcept {
  const std::uint64_t free = credited_ + own_.ring_bytes - position_;
  const std::uint64_t end =
      std::min(std::min(record_bytes, kFetchRecordBytesMax) + kFetchAheadBytes, free);
  // Distances from here; what an abort or a large record left behind us is nothing.
  std::uint64_t line = fetched_position_ - position_;
  // Its first line came with its own commit word, which was zeroed for the record before it.
  if (line == 0 || line > end) line = kCacheLineBytes;
  for (; line < end; line += kCacheLineBytes) {
    detail::prefetch_for_write(record_at(position_ + line));
  }
  fetched_position_ = position_ + line;
}

/// Stores the commit words of a pad at `first` (if it is not the record itself) and of `record`.
/// The consumer stops at the first zero, so the earliest word of a group is stored last.
void Producer::publish(std::uint64_t first, std::uint64_t record) noexcept {
  if (record != first) {
    commit_word(record_at(record))
        .store(lap_tag(record), std::memory_order_release);  // SYNC [ring.commit] release
  }
  if (batch_open_) {
    if (batch_has_records_) {
      commit_word(record_at(first))
          .store(lap_tag(first), std::memory_order_release);  // SYNC [ring.commit] release
    }
    batch_has_records_ = true;  // The word at batch_start_ is commit_batch()'s to store.
    return;
  }
  // seq_cst for peer_needs_doorbell(), which loads the peer's wait word after it.
  commit_word(record_at(first))
      .store(lap_tag(first), std::memory_order_seq_cst);  // SYNC [ring.commit] [ring.park] release
}

void Producer::abort() noexcept {
  MCPWIRE_CHECK(reservation_open_);
  reservation_open_ = false;
  zeroed_position_ = kNoPosition;  // The reservation may have been written over it.
}

bool Producer::try_push(const protocol::RequestHeader& header, std::uint64_t correlation,
                        ByteSpan head, ByteSpan body) noexcept {
  const std::size_t bytes = head.size() + body.size();
  MCPWIRE_CHECK(bytes <= payload_bytes_max());
  const auto payload_bytes = static_cast<std::uint32_t>(bytes);
  const std::optional<MutableByteSpan> room = try_reserve(payload_bytes);
  if (!room) return false;
  // Plain copies into shared memory: the consumer reads them only after [ring.commit].
  copy_bytes(*room, head);
  copy_bytes(room->subspan(head.size()), body);
  commit(header, correlation, payload_bytes);
  return true;
}

void Producer::begin_batch() noexcept {
  MCPWIRE_CHECK(!batch_open_);
  MCPWIRE_CHECK(!reservation_open_);
  batch_start_ = position_;
  batch_has_records_ = false;
  batch_open_ = true;
}

void Producer::commit_batch() noexcept {
  MCPWIRE_CHECK(batch_open_);
  MCPWIRE_CHECK(!reservation_open_);
  batch_open_ = false;
  if (!batch_has_records_) return;
  commit_word(record_at(batch_start_))
      .store(lap_tag(batch_start_),
             std::memory_order_seq_cst);  // SYNC [ring.commit] [ring.park] release
}

void Producer::abort_batch() noexcept {
  MCPWIRE_CHECK(batch_open_);
  batch_open_ = false;
  reservation_open_ = false;
  // The commit word at batch_start_ is still zero, and the words behind it are unreachable until
  // a record ends in front of them, which zeroes them first.
  position_ = batch_start_;
  zeroed_position_ = kNoPosition;
}

Producer::PeerState Producer::look_at_peer() noexcept {
  const std::uint64_t seen =
      detail::ReadOnlyWord<std::uint64_t>(peer_.page->wait_word)
          .load(std::memory_order_seq_cst);  // SYNC [ring.park] [ring.retire] acquire
  if (seen >= kRetiringWaitWord) [[unlikely]] {
    return seen >= kRetiredWaitWord ? PeerState::kRetired : PeerState::kRetiring;
  }
  if (!wait_word_asleep(seen) || seen == rung_word_) return PeerState::kHears;
  rung_word_ = seen;
  return PeerState::kNeedsDoorbell;
}

bool Producer::peer_has_retired() const noexcept {
  return detail::ReadOnlyWord<std::uint64_t>(peer_.page->wait_word)
             .load(std::memory_order_acquire) >= kRetiredWaitWord;  // SYNC [ring.retire] acquire
}

bool Producer::peer_took_all() const noexcept {
  // Ordered behind the load of RETIRED; after RETIRED it does not change any more.
  return detail::ReadOnlyWord<std::uint64_t>(peer_.page->consumer_position)
             .load(std::memory_order_acquire) == position_;  // SYNC [ring.space] acquire
}

Result<bool> Producer::has_space(std::uint32_t payload_bytes) noexcept {
  MCPWIRE_CHECK(payload_bytes <= payload_bytes_max());
  const std::uint64_t total = bytes_with_pad(record_bytes(payload_bytes));
  if (!corrupt_ && !fits(total)) refresh_credits();
  if (corrupt_) return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  return fits(total);
}

Result<bool> Producer::prepare_park(std::uint32_t payload_bytes) noexcept {
  MCPWIRE_CHECK(!batch_open_);
  detail::word(own_.page->space_wait_word)
      .store(make_wait_word(++space_epoch_, true),
             std::memory_order_seq_cst);  // SYNC [ring.space_park] release
  return has_space(payload_bytes);
}

void Producer::unpark() noexcept {
  detail::word(own_.page->space_wait_word)
      .store(make_wait_word(space_epoch_, false), std::memory_order_relaxed);
}

}  // namespace mcpwire::ring
