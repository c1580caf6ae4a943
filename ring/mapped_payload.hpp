// SPDX-License-Identifier: MIT
//
// MappedPayload: one payload of a peer that is read where it lies.
//
// Threading: may be destroyed on any thread, and may outlive the ReceivedMemory that it came from
// (the mapping lives as long as somebody reads it).
// Ordering:
//   [slab.done] whoever destroys a MappedPayload has read it before it stores the use it gives
//       back (release); the thread that sends the credit loads that (acquire) first.
#pragma once

#include "protocol/base/bytes.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire::ring {

namespace detail {
struct ReceivedSlab;
}  // namespace detail

class MappedPayload {
 public:
  MappedPayload() noexcept;
  MappedPayload(MappedPayload&& other) noexcept;
  MappedPayload& operator=(MappedPayload&& other) noexcept;
  /// Gives the memory back to the sender, as soon as the connection speaks to it again.
  ~MappedPayload();

  ByteSpan bytes() const noexcept { return bytes_; }

 private:
  friend class ReceivedMemory;
  MappedPayload(std::shared_ptr<detail::ReceivedSlab> slab, ByteSpan bytes,
                std::uint32_t generation) noexcept;
  void give_back() noexcept;

  std::shared_ptr<detail::ReceivedSlab> slab_;
  ByteSpan bytes_;
  std::uint32_t generation_ = 0;
};

}  // namespace mcpwire::ring
