// SPDX-License-Identifier: MIT
//
// Producer and Consumer: the two ends of a single-producer single-consumer byte ring in shared
// memory. A record is published by its own commit word, not by an index in another line: one
// cache-line transfer per direction. Why and what else was weighed: docs/adr/0003.
//
// Threading: one thread per end. Nothing here blocks, allocates or makes a system call.
// Invariants: positions are private 64-bit byte counts; shared memory is never asked where we
//   are. What the peer writes is read once, checked as a copy, and a violation is final.
// Ordering:
//   [ring.commit] producer writes the record and zeroes the next commit word, then stores its own
//       commit word (release); the consumer loads it (acquire) before it reads the record.
//   [ring.space]  consumer finishes reading, then stores its position (release); the producer
//       loads it (acquire) before it writes there again.
//   [ring.park]   producer: store commit word, load the peer's wait word; consumer: store wait
//       word, load commit word. All four are seq_cst, so they have one order and at least one side
//       sees the other: a consumer that sleeps is rung for. Not fences: clang's is
//       mfence, which cost 44 ns here, more than a push and a pop together (docs/adr/0004).
//   [ring.space_park] the same for a producer that sleeps until there is room: store position, load
//       the peer's space-wait word  against  store space-wait word, load position.
//   [ring.retire] a consumer that gives the ring back parks with RETIRING for a wait word, and only
//       if it then finds no record stores RETIRED (release), behind its last position; a producer
//       that loads RETIRED (acquire) reads from that position what was taken.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/request_header.hpp"
#include "ring/detail/shared_word.hpp"
#include "ring/segment_layout.hpp"

#include <cstdint>
#include <optional>

namespace mcpwire::ring {

class alignas(kCacheLineBytes) Producer {
 public:
  /// Writes records into `own`, reads credits and the wait word of `peer`. Both segments outlive
  /// the producer and have the same ring_bytes. `start_position` (a multiple of 64) is for tests;
  /// the peer's consumer starts at the same one.
  Producer(SegmentMemory own, PeerMemory peer, std::uint64_t start_position = 0) noexcept;
  Producer(Producer&&) noexcept = default;
  Producer& operator=(Producer&&) noexcept = default;

  /// Largest payload of one record; longer messages travel in several frames or mapped.
  std::uint32_t payload_bytes_max() const noexcept {
    return record_payload_bytes_max(own_.ring_bytes);
  }

  /// Room for a payload of up to `payload_bytes`, to be filled and committed; nothing if the ring
  /// is full (or peer_is_corrupt()). REQUIRES: payload_bytes <= payload_bytes_max(), no open
  /// reservation.
  std::optional<MutableByteSpan> try_reserve(std::uint32_t payload_bytes) noexcept;

  /// Publishes the reservation with its first `payload_bytes`. header.payload_len is overwritten.
  /// REQUIRES: an open reservation of at least that size.
  void commit(protocol::RequestHeader header, std::uint64_t correlation,
              std::uint32_t payload_bytes) noexcept;

  /// Gives the reservation up; the ring is as before.
  void abort() noexcept;

  /// try_reserve, copy of `head` and `body` behind each other, commit. False if full.
  bool try_push(const protocol::RequestHeader& header, std::uint64_t correlation, ByteSpan head,
                ByteSpan body) noexcept;

  /// From here to commit_batch() nothing that is committed becomes visible; then all of it at
  /// once. A batch that does not fit makes try_reserve say full: commit it and wait outside.
  void begin_batch() noexcept;
  void commit_batch() noexcept;
  /// Takes back everything since begin_batch(). The open reservation, if any, goes with it.
  void abort_batch() noexcept;

  /// After commit() or commit_batch(): true if the peer sleeps and must be rung, at most once for
  /// each time it went to sleep.
  [[nodiscard]] bool peer_needs_doorbell() noexcept {
    return look_at_peer() == PeerState::kNeedsDoorbell;
  }

  /// The same with the states of a peer that gives its rings back. kRetiring is over in a moment,
  /// whatever becomes of it: look again. With kRetired nothing is taken any more; what was, says
  /// peer_took_all().
  enum class [[nodiscard]] PeerState : std::uint8_t { kHears, kNeedsDoorbell, kRetiring, kRetired };
  PeerState look_at_peer() noexcept;

  /// Nothing may be handed over any more, not even what no record tells of.
  bool peer_has_retired() const noexcept;

  /// True if all that was committed was taken. REQUIRES: the peer has retired.
  bool peer_took_all() const noexcept;

  /// True if try_reserve(payload_bytes) would succeed. kInvalid if the peer's position is
  /// impossible.
  Result<bool> has_space(std::uint32_t payload_bytes) noexcept;

  /// Announces that we are about to sleep until there is room, then looks again: true means there
  /// is room and the caller must not sleep. Ends with unpark(). Not inside a batch.
  Result<bool> prepare_park(std::uint32_t payload_bytes) noexcept;
  void unpark() noexcept;

  /// The peer published a position that went backwards or ahead of what was written. Final.
  bool peer_is_corrupt() const noexcept { return corrupt_; }

 private:
  /// No record starts there: not a multiple of 64.
  static constexpr std::uint64_t kNoPosition = 1;

  std::byte* record_at(std::uint64_t position) const noexcept {
    return own_.ring + (position & (own_.ring_bytes - 1));
  }
  std::uint64_t visible_position() const noexcept;
  std::uint64_t bytes_with_pad(std::uint64_t needed) const noexcept;
  bool fits(std::uint64_t total) const noexcept;
  bool refresh_credits() noexcept;
  void write_pad() noexcept;
  void prepare_next(std::uint64_t bytes) noexcept;
  void fetch_ahead(std::uint64_t record_bytes) noexcept;
  void publish(std::uint64_t first, std::uint64_t record) noexcept;

  SegmentMemory own_;
  PeerMemory peer_;
  std::uint64_t position_;
  std::uint64_t credited_;  ///< Last position of the peer that we believed.
  std::uint64_t batch_start_ = 0;
  std::uint64_t zeroed_position_ = kNoPosition;  ///< A commit word that is zero already.
  std::uint64_t fetched_position_ = 0;           ///< Lines in front of it were asked for.
  std::uint64_t space_epoch_ = 0;
  std::uint64_t rung_word_ = 0;
  std::uint32_t reserved_bytes_ = 0;
  std::uint32_t pad_bytes_ = 0;
  bool reservation_open_ = false;
  bool batch_open_ = false;
  bool batch_has_records_ = false;
  bool corrupt_ = false;
};

/// One frame in the ring. The header is a private, checked copy. The payload is memory that its
/// sender can still change: copy it before parsing, and check only the copy.
struct FrameView {
  protocol::FrameHeader header;  ///< commit is zero.
  ByteSpan volatile_payload;     ///< Valid until release().
};

class alignas(kCacheLineBytes) Consumer {
 public:
  /// Reads records of `peer`, publishes its position and wait word in `own`.
  Consumer(SegmentMemory own, PeerMemory peer, std::uint64_t start_position = 0) noexcept;
  Consumer(Consumer&&) noexcept = default;
  Consumer& operator=(Consumer&&) noexcept = default;

  /// True if peek() has something to say: a record, or a violation. What a spinning waiter polls.
  [[nodiscard]] bool has_data() const noexcept {
    return violated_ || peeked_bytes_ != 0 ||
           detail::commit_word(record_at(position_)).load(std::memory_order_acquire) !=
               0;  // SYNC [ring.commit] acquire
  }

  /// The next frame, again and again the same until release(); nothing if the ring is empty.
  /// kInvalid/kProtocolViolation if the peer wrote what no producer writes: close the connection.
  Result<std::optional<FrameView>> peek() noexcept;

  /// Ends the use of the frame that peek() showed. REQUIRES: there is one.
  void release() noexcept;

  /// True if release() has published credits since peer_waits_for_space() was asked: a producer
  /// that sleeps can be woken now and fill what is free while the rest is being read.
  [[nodiscard]] bool has_untold_credits() const noexcept { return has_untold_credits_; }

  /// After a run of release(): publishes all credits and says whether the peer's producer sleeps
  /// for room and must be rung, at most once for each time it went to sleep.
  [[nodiscard]] bool peer_waits_for_space() noexcept;

  /// Announces that we are about to sleep until a record comes, then looks again: true means
  /// there is one and the caller must not sleep. Ends with unpark(). Doorbells may also arrive
  /// when nothing is there any more; they are to be ignored.
  [[nodiscard]] bool prepare_park() noexcept;
  void unpark() noexcept;

  /// As prepare_park(), before the rings are given back: true means there is a record, and unpark()
  /// goes on as if nothing had been. On false retire() makes it final: nothing of this ring may be
  /// read afterwards.
  [[nodiscard]] bool prepare_retire() noexcept;
  void retire() noexcept;

 private:
  bool announce_and_look(std::uint64_t wait_word) noexcept;
  const std::byte* record_at(std::uint64_t position) const noexcept {
    return peer_.ring + (position & (peer_.ring_bytes - 1));
  }
  Failure violation() noexcept;
  bool is_valid_pad(const protocol::RequestHeader& header, std::uint64_t room) const noexcept;
  void publish_position() noexcept;
  void fetch_backlog() noexcept;

  SegmentMemory own_;
  PeerMemory peer_;
  std::uint64_t position_;
  std::uint64_t published_;
  std::uint64_t peeked_bytes_ = 0;  ///< Record at position_ that peek() accepted; 0: none.
  std::uint64_t epoch_ = 0;
  std::uint64_t rung_word_ = 0;
  std::uint64_t fetched_position_ = 0;  ///< Lines in front of it were asked for.
  FrameView peeked_{};
  bool has_untold_credits_ = false;
  bool violated_ = false;
};

}  // namespace mcpwire::ring
