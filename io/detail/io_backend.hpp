// SPDX-License-Identifier: MIT
//
// IoBackend: what carries a loop's operations to the kernel and its completions back. The upper
// half starts operations, the lower half is what the loop's turn calls. Implementations:
// uring_backend.hpp, epoll_backend.hpp, and a scripted one in the tests.
//
// Threading: the loop's thread.
// Invariants: starting an operation and cancelling one never call back: all completions come out
// of dispatch(). Operations are started in the order of the calls.
#pragma once

#include "io/detail/buffer_group.hpp"
#include "io/detail/op.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/intrusive_list.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace mcpwire::io::detail {

enum class ReadBuffers : std::uint8_t { kBulk = 0, kSmall = 1 };
enum class PollMode : std::uint8_t { kOnce, kMultishot };

class IoBackend {
 public:
  IoBackend() = default;
  IoBackend(const IoBackend&) = delete;
  IoBackend& operator=(const IoBackend&) = delete;
  /// Implementations call drain_graveyard() in theirs.
  virtual ~IoBackend() {
    // Whatever is still in flight belongs to an object that outlives its loop.
    MCPWIRE_CHECK(in_flight_ == 0);
  }

  virtual std::string_view name() const noexcept = 0;

  /// Told of a descriptor before its first read, write or accept.
  virtual void adopt(int fd) noexcept = 0;

  // Starting operations. REQUIRES each time: !op.is_in_flight().

  /// Reads into buffers of a group until the end, an error or a cancellation where the kernel can,
  /// else once.
  virtual void read(Op& op, int fd, ReadBuffers group) = 0;
  /// Reads once into a buffer of the group.
  virtual void read_once(Op& op, int fd, ReadBuffers group) = 0;
  /// Reads once into `memory`, which stays until the completion or cancel_now().
  virtual void read_into(Op& op, int fd, MutableByteSpan memory) = 0;
  /// Writes once; the result may be short. `bytes` stay unchanged until the completion.
  virtual void write(Op& op, int fd, ByteSpan bytes) = 0;
  /// Waits for poll(2) events; the result is their mask.
  virtual void poll(Op& op, int fd, unsigned events, PollMode mode) = 0;
  /// Accepts connections until an error or a cancellation; descriptors are CLOEXEC and NONBLOCK.
  virtual void accept(Op& op, int fd) = 0;

  /// Asks for the operation's end; its last completion still comes, with its own result if it was
  /// faster (so whether the request found anything is ignored).
  virtual void cancel(Op& op) = 0;
  /// As cancel(), and when it returns nobody touches the operation's memory any more.
  virtual void cancel_now(Op& op) = 0;

  BufferGroup& buffers(ReadBuffers which) noexcept {
    return *groups_[static_cast<std::size_t>(which)];
  }

  // The loop's side.

  /// Something can be dispatched, or appears with the next submit(). No system call.
  virtual bool has_completions() const noexcept = 0;
  /// Submits all operations, without waiting, and takes in what is ready.
  virtual void submit() = 0;
  /// As submit(), and waits for a completion for at most `timeout_ns` (kNever: without limit).
  /// May return early and without any.
  virtual void submit_and_wait(std::uint64_t timeout_ns) = 0;
  /// Dispatches at most one batch of completions; returns their number.
  virtual std::size_t dispatch() = 0;

  /// System calls made so far.
  virtual std::uint64_t kernel_enters() const noexcept = 0;
  /// There was too little locked memory for queues of the size that was asked for.
  virtual bool has_small_queues() const noexcept { return false; }
  std::size_t in_flight() const noexcept { return in_flight_; }

 protected:
  struct Completion {
    Op* op;
    int result;
    unsigned flags;
  };

  /// The operation is in flight from here on, until a completion without kCompletionMore.
  void begin(Op& op) {
    MCPWIRE_CHECK(!op.in_flight_);
    MCPWIRE_CHECK(!op.is_linked());  // A buried operation starts nothing.
    op.in_flight_ = true;
    ++in_flight_;
  }
  void complete(const Completion& completion) {
    Op* op = completion.op;
    MCPWIRE_CHECK(op->in_flight_);
    if ((completion.flags & kCompletionMore) == 0) {
      op->in_flight_ = false;
      --in_flight_;
    }
    op->completing_ = true;
    op->on_complete(completion.result, completion.flags);
    op->completing_ = false;
    // Buried before or during the call, and the kernel has let go of it.
    if (op->is_linked() && !op->in_flight_) delete op;
  }
  /// Waits for the operations that nobody owns any more.
  void drain_graveyard();
  void set_buffers(ReadBuffers which, std::unique_ptr<BufferGroup> group) noexcept {
    groups_[static_cast<std::size_t>(which)] = std::move(group);
  }

 private:
  friend struct BuryOp;
  void bury(Op& op) noexcept;

  std::array<std::unique_ptr<BufferGroup>, 2> groups_;
  std::size_t in_flight_ = 0;
  IntrusiveList<Op> graveyard_;
};

}  // namespace mcpwire::io::detail
