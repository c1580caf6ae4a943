// SPDX-License-Identifier: MIT
//
// UringBackend: one io_uring with its buffer groups.
//
// Threading: the loop's thread.
// Invariants: operations reach the kernel in the order in which they were started, also when the
// submission queue is full; a completion is dispatched from a copy, never from the queue itself;
// no operation is linked to another (a link that is split over two submissions is none).
#pragma once

#include "io/detail/io_backend.hpp"
#include "io/detail/uring_compat.hpp"
#include "io/kernel_features.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace mcpwire::io::detail {

class UringBackend final : public IoBackend {
 public:
  static Result<std::unique_ptr<UringBackend>> create(const LoopOptions& options,
                                                      KernelFeatures features);
  /// REQUIRES: no Op in flight but those in the graveyard, which are waited for.
  ~UringBackend() override;

  std::string_view name() const noexcept override { return "io_uring"; }
  void adopt(int) noexcept override {}

  void read(Op& op, int fd, ReadBuffers group) override;
  void read_once(Op& op, int fd, ReadBuffers group) override;
  void read_into(Op& op, int fd, MutableByteSpan memory) override;
  void write(Op& op, int fd, ByteSpan bytes) override;
  void poll(Op& op, int fd, unsigned events, PollMode mode) override;
  void accept(Op& op, int fd) override;
  void cancel(Op& op) override;
  void cancel_now(Op& op) override;

  /// Here, because a loop that spins looks every 5 ns.
  bool has_completions() const noexcept override {
    return kernel_holds_completions() || io_uring_cq_ready(&ring_) > 0;
  }
  /// No system call when there is nothing to submit and nothing held back.
  void submit() override;
  void submit_and_wait(std::uint64_t timeout_ns) override;
  std::size_t dispatch() override;
  std::uint64_t kernel_enters() const noexcept override { return kernel_enters_; }
  bool has_small_queues() const noexcept override { return has_small_queues_; }

 private:
  static constexpr std::size_t kBatchMax = 256;

  explicit UringBackend(KernelFeatures features) noexcept : features_(features) {}
  Result<void> open(const LoopOptions& options);
  /// 0 or the errno.
  int try_open(std::uint32_t submission_entries, std::uint32_t completion_entries);
  void start(Op& op, io_uring_sqe& entry);
  void enqueue(const io_uring_sqe& entry);
  void refill();
  bool has_submissions() const noexcept { return io_uring_sq_ready(&ring_) > 0; }
  bool kernel_holds_completions() const noexcept {
    constexpr unsigned kEnterNeeded = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & kEnterNeeded) != 0;
  }

  KernelFeatures features_;
  io_uring ring_{};
  bool is_open_ = false;
  bool has_small_queues_ = false;
  std::deque<io_uring_sqe> unqueued_;  ///< What the full submission queue had no room for.
  std::uint64_t kernel_enters_ = 0;
  std::array<Completion, kBatchMax> batch_{};
};

}  // namespace mcpwire::io::detail
