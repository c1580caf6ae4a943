// SPDX-License-Identifier: MIT
//
// ReceivedMemory: the memory files that a peer has sent, until the frames that refer to them come:
// sealed ones for one frame each, and slabs that stay.
//
// Threading: one thread.
// Invariants: a file is kept only if its size and seals are what was announced, and a payload
//   lies inside its file; everything else is kInvalid/kProtocolViolation.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "protocol/params.hpp"
#include "protocol/payload.hpp"
#include "ring/mapped_payload.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace mcpwire::ring {

namespace detail {
struct PendingCredits;
}

class ReceivedMemory {
 public:
  struct Limits {
    std::size_t files_max;  ///< For one frame each, whose frame has not come yet.
    std::size_t slabs_max;  ///< That stay; 0: none are accepted.
  };

  explicit ReceivedMemory(Limits limits);
  ~ReceivedMemory();
  ReceivedMemory(const ReceivedMemory&) = delete;
  ReceivedMemory& operator=(const ReceivedMemory&) = delete;

  /// A file that the peer announces with the payload of a memory event. Its size and its seals are
  /// checked here: from now on it is what file_bytes() says.
  Result<void> keep(ByteSpan memory_event, UniqueFd file);
  /// One that is announced but could not be taken: open() says kOverloaded for the frame that
  /// refers to it, and the connection goes on.
  Result<void> note_lost(ByteSpan memory_event);
  /// Closes the file that keep() took last, as if it were lost. `why` goes to whoever refers to it.
  void drop_newest(Error why);
  bool is_full() const noexcept { return files_.size() >= limits_.files_max; }
  bool has_files() const noexcept { return !files_.empty(); }
  /// Of those that are here, lost ones not counted.
  std::size_t file_count() const noexcept;
  std::uint64_t file_bytes() const noexcept;
  /// The connection got new rings, or lost them: no frame will refer to any of it, and no use is to
  /// be given back. Payloads that are being read stay.
  void forget();

  /// True if the descriptor's file is here.
  bool has(const protocol::MappedDescriptor& where) const noexcept;
  Result<MappedPayload> open(const protocol::MappedDescriptor& where);

  /// The peer gives a slab up: the payload of a retire event.
  Result<void> retire(ByteSpan slab_event);

  /// True if somebody is done with a use of a slab. Costs one load.
  bool has_credits() const noexcept;
  /// One of those uses, as the payload of a credit event; it counts as given back from here on.
  std::optional<protocol::SlabEvent> take_credit() noexcept;

  std::size_t slab_count() const noexcept { return slabs_.size(); }

 private:
  struct File {
    std::uint32_t slab;
    std::uint32_t generation;
    std::uint64_t bytes;
    UniqueFd fd;  ///< None: lost.
    Error lost_because;
  };

  Result<protocol::MemoryEvent> read_event(ByteSpan memory_event) const;

  Result<MappedPayload> open_slab(const std::shared_ptr<detail::ReceivedSlab>& slab,
                                  const protocol::MappedDescriptor& where);
  Result<MappedPayload> open_file(File file, const protocol::MappedDescriptor& where);

  Limits limits_;
  std::vector<File> files_;
  std::vector<std::shared_ptr<detail::ReceivedSlab>> slabs_;
  std::shared_ptr<detail::PendingCredits> credits_;
};

}  // namespace mcpwire::ring
