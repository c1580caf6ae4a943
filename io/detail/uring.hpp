// SPDX-License-Identifier: MIT
//
// Uring: one io_uring with its buffer groups. The upper half starts operations, the lower half is
// what the loop's turn calls.
//
// Threading: the loop's thread.
// Invariants: operations reach the kernel in the order in which they were started, also when the
// submission queue is full; a completion is dispatched from a copy, never from the queue itself.
#pragma once

#include "io/detail/buffer_group.hpp"
#include "io/detail/op.hpp"
#include "io/detail/uring_compat.hpp"
#include "io/kernel_features.hpp"
#include "io/loop.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace mcpwire::io::detail {

enum class ReadBuffers : std::uint8_t { kBulk = 0, kSmall = 1 };
enum class PollMode : std::uint8_t { kOnce, kMultishot };

class Uring {
 public:
  static Result<std::unique_ptr<Uring>> create(const LoopOptions& options, KernelFeatures features);
  /// REQUIRES: no Op in flight but those in the graveyard, which are waited for.
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // Starting operations. REQUIRES each time: !op.is_in_flight().

  /// Reads into buffers of `group` until the end, an error or a cancellation where the kernel
  /// can (READ_MULTISHOT), else once.
  void read(Op& op, int fd, const BufferGroup& group);
  /// Reads once into a buffer of `group`.
  void read_once(Op& op, int fd, const BufferGroup& group);
  /// Reads once into `memory`, which stays until the completion or cancel_now().
  void read_into(Op& op, int fd, MutableByteSpan memory);
  /// Writes once; the result may be short. `bytes` stay unchanged until the completion.
  void write(Op& op, int fd, ByteSpan bytes);
  /// Waits for poll(2) events; the result is their mask.
  void poll(Op& op, int fd, unsigned events, PollMode mode);
  /// Accepts connections until an error or a cancellation; descriptors are CLOEXEC and NONBLOCK.
  void accept(Op& op, int fd);

  /// Asks the kernel to end the operation; its last completion still comes, with its own result if
  /// it was faster (so whether the request found anything is ignored).
  void cancel(Op& op);
  /// As cancel(), and when it returns the kernel no longer touches the operation's memory.
  void cancel_now(Op& op);

  BufferGroup& buffers(ReadBuffers which) noexcept {
    return *groups_[static_cast<std::size_t>(which)];
  }

  // The loop's side.

  bool has_submissions() const noexcept { return io_uring_sq_ready(&ring_) > 0; }
  /// Something can be dispatched, or appears as soon as the kernel is entered. No system call.
  bool has_completions() const noexcept;
  /// Submits all operations, without waiting, and lets the kernel post what is ready. No system
  /// call when there is neither.
  void submit();
  /// As submit(), and waits for a completion for at most `timeout_ns` (kNever: without limit).
  void submit_and_wait(std::uint64_t timeout_ns);
  /// Dispatches at most one batch of completions; returns their number.
  std::size_t dispatch();

  std::uint64_t kernel_enters() const noexcept { return kernel_enters_; }
  /// There was too little locked memory for queues of the size that was asked for.
  bool has_small_queues() const noexcept { return has_small_queues_; }
  std::size_t in_flight() const noexcept { return in_flight_; }

 private:
  friend struct BuryOp;
  static constexpr std::size_t kBatchMax = 256;
  struct Completion {
    Op* op;
    int result;
    unsigned flags;
  };

  explicit Uring(KernelFeatures features) noexcept : features_(features) {}
  Result<void> open(const LoopOptions& options);
  /// 0 or the errno.
  int try_open(std::uint32_t submission_entries, std::uint32_t completion_entries);
  void start(Op& op, io_uring_sqe& entry);
  void enqueue(const io_uring_sqe& entry);
  void refill();
  bool kernel_holds_completions() const noexcept;
  void complete(const Completion& completion);
  void bury(Op& op) noexcept;

  KernelFeatures features_;
  io_uring ring_{};
  bool is_open_ = false;
  bool has_small_queues_ = false;
  std::array<std::unique_ptr<BufferGroup>, 2> groups_;
  std::deque<io_uring_sqe> unqueued_;  ///< What the full submission queue had no room for.
  std::size_t in_flight_ = 0;
  std::uint64_t kernel_enters_ = 0;
  IntrusiveList<Op> graveyard_;
  std::array<Completion, kBatchMax> batch_{};
};

}  // namespace mcpwire::io::detail
