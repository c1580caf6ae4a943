// SPDX-License-Identifier: MIT
//
// ChannelOutbox: everything on its way to one client, in order. A message goes out at once where
// there is room, else it is kept until the client makes some. How much that is, is bounded from
// three sides: an event is refused while anything is kept, of a client with much kept no request
// is taken, and it has a bounded number of requests that wait for their answers. So no answer is
// ever refused. What is kept, and files that the client has not taken, are charged to its process.
//
// A payload that does not fit the ring goes into a slab, else into a memory file of its own, and
// where the client's process has no share of either, in pieces.
//
// Threading: the loop's thread. Nothing blocks.
// Invariants: what was accepted goes out in order and whole, or not at all when the channel ends.
//   While anything is kept, nothing overtakes it but intent frames.
#pragma once

#include "io/detail/channel_charges.hpp"
#include "io/detail/channel_rings.hpp"
#include "io/detail/channel_slabs.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/call_word.hpp"
#include "protocol/params.hpp"
#include "protocol/payload.hpp"
#include "protocol/request_header.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::io::detail {

class ChannelOutbox {
 public:
  /// `next_slab`: the number of the connection's next memory file. All outlive the outbox.
  ChannelOutbox(ChannelCharges& charges, ring::QuotaAccount& account, std::uint32_t& next_slab,
                std::size_t pending_bytes_max) noexcept
      : charges_(charges),
        account_(account),
        next_slab_(next_slab),
        pending_bytes_max_(pending_bytes_max) {}

  /// `rings` is null where all goes through the socket, `slab_keeper` where large payloads do not
  /// travel in slabs that stay. All outlive the outbox's use.
  void attach(int socket_fd, ChannelRings* rings, SlabKeeper* slab_keeper);
  /// The client has done with a use of a slab: the payload of its credit event.
  Result<void> take_credit(ByteSpan slab_event);
  /// Gives up slabs that nobody needed since `before_ns`, as far as the client can be told now.
  void retire_slabs(std::uint64_t before_ns) noexcept;

  /// kOverloaded/kQueueFull for an event behind something that is kept, kDisconnected if the
  /// client is gone, kInvalid if it wrote an impossible position.
  Result<void> send(const protocol::RequestHeader& header, std::uint64_t correlation, ByteSpan head,
                    ByteSpan body);

  /// The call word of a connection without rings. False: it could not be handed to the kernel.
  bool send_intent(std::uint64_t correlation) noexcept;

  /// True if the last message is kept and belongs to `correlation`: kDone is then published when
  /// it is out.
  bool publish_done_behind(std::uint64_t correlation) noexcept;

  /// Sends of what is kept as much as there is room for. True if anything went out.
  Result<bool> flush();

  bool has_pending() const noexcept { return first_ < pending_.size(); }
  std::size_t pending_bytes() const noexcept { return pending_bytes_; }
  /// Looks whether the client has taken the memory files that were sent to it.
  void settle_files() noexcept;
  bool has_untaken_files() const noexcept { return sent_files_ != 0; }
  /// Kept because the socket is full (else: because the ring is).
  bool waits_for_socket() const noexcept { return has_pending() && socket_full_; }

  /// Ring only: announces that we sleep until there is room for the first of what is kept. True:
  /// there is some, do not sleep. Ends with unpark().
  Result<bool> prepare_park();
  void unpark() noexcept;

 private:
  enum class Step : std::uint8_t { kDone, kFull };
  struct Message {
    protocol::RequestHeader header;
    std::uint64_t correlation = 0;
    std::string payload;
    std::size_t sent_bytes = 0;  ///< Of the payload, where it goes in pieces.
    UniqueFd file;               ///< Still to be sent, ahead of the record.
    std::uint64_t file_bytes = 0;
    protocol::MemoryLife file_life = protocol::MemoryLife::kOnce;
    std::uint32_t slab = 0;
    std::uint32_t generation = 1;
    bool ends_call = false;  ///< Behind it the call word says kDone.

    /// A slab is charged as such.
    std::size_t kept_bytes() const noexcept {
      return payload.size() + (file_life == protocol::MemoryLife::kOnce ? file_bytes : 0);
    }
  };

  Result<Step> advance(Message& message);
  Result<Step> send_file(Message& message);
  Result<Step> send_pieces(Message& message);
  Result<Step> push_piece(const protocol::RequestHeader& header, std::uint64_t correlation,
                          ByteSpan piece);
  Result<Step> send_piece(const protocol::RequestHeader& header, std::uint64_t correlation,
                          ByteSpan piece);
  std::size_t next_piece_bytes(const Message& message) const noexcept;
  Result<bool> try_direct(const protocol::RequestHeader& header, std::uint64_t correlation,
                          ByteSpan head, ByteSpan body);
  std::optional<Message> try_slab(const protocol::RequestHeader& header, std::uint64_t correlation,
                                  ByteSpan head, ByteSpan body);
  std::optional<Message> try_file(const protocol::RequestHeader& header, std::uint64_t correlation,
                                  ByteSpan head, ByteSpan body);
  static Message make_mapped(protocol::RequestHeader header,
                             const protocol::MappedDescriptor& where, std::uint64_t correlation);
  Result<void> keep(Message message);
  void drop_sent() noexcept;
  void ring_if_asleep() noexcept;
  void note_kept() noexcept { charges_.hold_answers(pending_bytes_ + sent_file_bytes_); }

  ChannelCharges& charges_;
  ring::QuotaAccount& account_;
  std::uint32_t& next_slab_;
  std::size_t pending_bytes_max_;
  std::vector<Message> pending_;
  std::size_t first_ = 0;  ///< Index of the first message that is not out yet.
  std::size_t pending_bytes_ = 0;
  std::size_t sent_files_ = 0;  ///< That may still be in the socket.
  std::size_t sent_file_bytes_ = 0;
  ChannelRings* rings_ = nullptr;
  SlabKeeper* slab_keeper_ = nullptr;    ///< Null where the client knows no slabs.
  std::unique_ptr<ChannelSlabs> slabs_;  ///< Made with the first large payload.
  int socket_fd_ = -1;
  bool socket_full_ = false;
};

}  // namespace mcpwire::io::detail
