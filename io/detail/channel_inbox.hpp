// SPDX-License-Identifier: MIT
//
// ChannelInbox: turns a client's frames into whole messages. It keeps memory files until the frame
// that names them comes, and pieces of a message until the last one is there.
//
// Threading: the loop's thread.
// Invariants: works on private copies only; whatever it hands out cannot be changed by the peer.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/message_pieces.hpp"
#include "protocol/payload.hpp"
#include "protocol/request_header.hpp"
#include "ring/received_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace mcpwire::io::detail {

/// A whole message. The payload lives in the frame's own bytes, in a mapping or in a string;
/// the last two are kept alive here.
struct InboundMessage {
  protocol::FrameHeader header;  ///< Without MORE and MAPPED.
  ByteSpan unassembled;
  ring::MappedPayload mapping;
  std::string assembled;
  std::optional<Error> dropped;  ///< Why there is no payload, if it was too much to keep.

  /// The payload is in memory of its own, which moves with this.
  bool is_apart() const noexcept { return !assembled.empty() || !mapping.bytes().empty(); }
  ByteSpan payload() const noexcept {
    return assembled.empty() ? unassembled : as_bytes(assembled);
  }
};

class ChannelInbox {
 public:
  /// Files whose frame has not come yet. With as many the socket is left alone for a while.
  static constexpr std::size_t kMemoryFilesMax = 16;

  /// Which carrier brought a frame decides what it may be.
  enum class Carrier : std::uint8_t { kRing, kSocket };

  ChannelInbox() : memory_({kMemoryFilesMax, 0}), pieces_(protocol::kMessageBytesMax) {}

  /// A file that the client announces.
  Result<void> keep_file(ByteSpan memory_event, UniqueFd file) {
    return memory_.keep(memory_event, std::move(file));
  }
  /// One that could not be taken: its frame is refused, not the connection.
  Result<void> note_lost_file(ByteSpan memory_event) { return memory_.note_lost(memory_event); }
  /// The same for the one that was kept last, and may not be.
  void drop_newest_file(Error why) { memory_.drop_newest(std::move(why)); }
  bool has_files() const noexcept { return memory_.has_files(); }
  std::size_t file_count() const noexcept { return memory_.file_count(); }
  std::uint64_t file_bytes() const noexcept { return memory_.file_bytes(); }
  bool has_partial() const noexcept { return pieces_.is_under_way(); }
  /// Of a message whose last piece has not come yet.
  std::size_t partial_bytes() const noexcept { return pieces_.bytes(); }
  /// The rest of that message is let pass, and it ends without a payload.
  void drop_partial(Error why) { pieces_.drop(std::move(why)); }
  /// Their records were never read and never will be.
  void forget_files() { memory_.forget(); }
  bool is_full() const noexcept { return memory_.is_full(); }
  /// True if the frame's file is here, or it needs none.
  bool has_file_for(const protocol::FrameHeader& header, ByteSpan payload) const noexcept;

  /// A message, or nothing if pieces are missing. kInvalid/kProtocolViolation with a text that says
  /// which rule was broken; kOverloaded if its memory cannot be had, which concerns it alone.
  Result<std::optional<InboundMessage>> take(protocol::FrameHeader header, ByteSpan payload,
                                             Carrier carrier);

 private:
  Result<std::optional<InboundMessage>> open_mapped(protocol::FrameHeader header,
                                                    const protocol::MappedDescriptor& descriptor);
  Result<std::optional<InboundMessage>> join(const protocol::FrameHeader& header, ByteSpan payload);

  ring::ReceivedMemory memory_;
  protocol::MessagePieces pieces_;
};

}  // namespace mcpwire::io::detail
