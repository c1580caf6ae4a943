// SPDX-License-Identifier: MIT
//
// ChannelOutbox: everything on its way to one client, in order. A message goes out at once where
// there is room, else it is kept until the client makes some. How much that is, is bounded from
// three sides: an event is refused while anything is kept, of a client with much kept no request
// is taken, and it has a bounded number of requests that wait for their answers. So no answer is
// ever refused; with rings, those beyond the limit wait in memory files of their own.
//
// Threading: the loop's thread. Nothing blocks.
// Invariants: what was accepted goes out in order and whole, or not at all when the channel ends.
//   While anything is kept, nothing overtakes it but intent frames.
#pragma once

#include "io/detail/channel_rings.hpp"
#include "io/detail/channel_slabs.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/call_word.hpp"
#include "protocol/params.hpp"
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
  explicit ChannelOutbox(std::size_t pending_bytes_max) noexcept
      : pending_bytes_max_(pending_bytes_max) {}

  /// `rings` is null where all goes through the socket. Both outlive the outbox's use.
  void attach(int socket_fd, ChannelRings* rings);
  /// Large payloads travel in slabs that stay, as long as there are rings. Before attach().
  void use_slabs(SlabKeeper& keeper) noexcept { slab_keeper_ = &keeper; }
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
  };

  Result<Step> advance(Message& message);
  Result<Step> push_record(const Message& message);
  Result<Step> send_file(Message& message);
  Result<Step> send_pieces(Message& message);
  Result<bool> try_direct(const protocol::RequestHeader& header, std::uint64_t correlation,
                          ByteSpan head, ByteSpan body);
  std::optional<Message> try_slab(const protocol::RequestHeader& header, std::uint64_t correlation,
                                  ByteSpan head, ByteSpan body);
  Result<Message> make_mapped(const protocol::RequestHeader& header, std::uint64_t correlation,
                              ByteSpan head, ByteSpan body);
  Result<void> keep(Message message);
  void drop_sent() noexcept;
  void ring_if_asleep() noexcept;

  std::size_t pending_bytes_max_;
  std::vector<Message> pending_;
  std::size_t first_ = 0;  ///< Index of the first message that is not out yet.
  std::size_t pending_bytes_ = 0;
  ChannelRings* rings_ = nullptr;
  SlabKeeper* slab_keeper_ = nullptr;    ///< Null where the client knows no slabs.
  std::unique_ptr<ChannelSlabs> slabs_;  ///< Made with the first large payload.
  int socket_fd_ = -1;
  std::uint32_t next_slab_ = 1;
  bool socket_full_ = false;
};

}  // namespace mcpwire::io::detail
