// SPDX-License-Identifier: MIT
//
// Op: one operation that the kernel works on. Its memory lives until its last completion, whatever
// happens to the object that started it: Ops are held by OpPtr, whose deleter cancels an operation
// in flight and leaves it in the backend's graveyard until the kernel has let go of it.
//
// Threading: the loop's thread.
// Invariants: at most one operation of an Op is in flight; an Op in flight is never freed (checked
// in its destructor); its user forgets nothing but its own pointer when it goes.
#pragma once

#include "protocol/base/check.hpp"
#include "protocol/base/intrusive_list.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire::io::detail {

class IoBackend;

// What the flags of a completion say. The values are io_uring's, which passes them on unchanged.
/// The bytes lie in a buffer of the group that the operation was started with.
inline constexpr unsigned kCompletionHasBuffer = 1U << 0;
/// The operation goes on.
inline constexpr unsigned kCompletionMore = 1U << 1;
/// Above it stands the buffer's number.
inline constexpr unsigned kCompletionBufferShift = 16;

constexpr std::uint16_t completion_buffer(unsigned flags) noexcept {
  return static_cast<std::uint16_t>(flags >> kCompletionBufferShift);
}

/// The links are used in the graveyard only.
class Op : public ListNode {
 public:
  explicit Op(IoBackend& backend) noexcept : backend_(backend) {}
  /// ListNode cannot be copied or moved, and so cannot this: the kernel holds its address.
  virtual ~Op() { MCPWIRE_CHECK(!in_flight_); }

  bool is_in_flight() const noexcept { return in_flight_; }

 protected:
  IoBackend& backend() const noexcept { return backend_; }

 private:
  friend class IoBackend;
  friend struct BuryOp;

  /// One completion: `result` as the system call of that name returns it, -errno on failure.
  /// `flags` are kCompletion...; another completion follows exactly if is_in_flight().
  virtual void on_complete(int result, unsigned flags) = 0;
  /// The user is gone; completions still come, and a provided buffer must still be given back.
  virtual void on_buried() noexcept = 0;

  IoBackend& backend_;
  bool in_flight_ = false;
  bool completing_ = false;
};

/// Deletes an idle Op at once and any other after its last completion.
struct BuryOp {
  void operator()(Op* op) const noexcept;
};

template <class T>
using OpPtr = std::unique_ptr<T, BuryOp>;

}  // namespace mcpwire::io::detail
