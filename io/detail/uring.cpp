// SPDX-License-Identifier: MIT
#include "io/detail/uring.hpp"

#include "io/detail/uring_setup_error.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/system_clock.hpp"

#include <sys/socket.h>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>

namespace mcpwire::io::detail {
namespace {

constexpr unsigned kSetupFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

// The kernel gives back the locked memory of closed rings up to 300 ms late, so a limit that was
// reached may be free a moment later.
constexpr int kSetupAttempts = 40;
constexpr std::chrono::milliseconds kSetupRetryDelay{10};

// Queues that fit into 64 KiB of locked memory, once the usual limit of an ordinary user, beside
// the buffer groups. Beyond them operations and completions wait in lists.
constexpr std::uint32_t kSmallSubmissionEntries = 64;
constexpr std::uint32_t kSmallCompletionEntries = 512;

__kernel_timespec to_timespec(std::uint64_t duration_ns) {
  __kernel_timespec time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(duration_ns / kNanosecondsPerSecond);
  time.tv_nsec = static_cast<decltype(time.tv_nsec)>(duration_ns % kNanosecondsPerSecond);
  return time;
}

// After these the queues are as before: what completed is dispatched and the next turn tries again.
bool is_transient(int error) {
  return error == EINTR || error == EBUSY || error == EAGAIN || error == ETIME;
}

}  // namespace

void BuryOp::operator()(Op* op) const noexcept {
  if (!op->in_flight_ && !op->completing_) {
    delete op;
    return;
  }
  op->uring_.bury(*op);
}

Result<std::unique_ptr<Uring>> Uring::create(const LoopOptions& options, KernelFeatures features) {
  std::unique_ptr<Uring> uring(new Uring(features));
  TRY(uring->open(options));
  return uring;
}

int Uring::try_open(std::uint32_t submission_entries, std::uint32_t completion_entries) {
  int error = 0;
  for (int attempt = 0; attempt < kSetupAttempts; ++attempt) {
    io_uring_params parameters{};
    parameters.flags = kSetupFlags;
    parameters.cq_entries = completion_entries;
    // liburing opens the descriptor close-on-exec.
    error = -io_uring_queue_init_params(submission_entries, &ring_, &parameters);
    if (error != ENOMEM) break;
    std::this_thread::sleep_for(kSetupRetryDelay);
  }
  return error;
}

Result<void> Uring::open(const LoopOptions& options) {
  int error = try_open(options.submission_entries, options.completion_entries);
  has_small_queues_ = error == ENOMEM;
  if (has_small_queues_) error = try_open(kSmallSubmissionEntries, kSmallCompletionEntries);
  if (error != 0) return fail(setup_error(error));
  is_open_ = true;
  // A child between fork and exec must not touch the queues; the ring would refuse it anyway.
  io_uring_ring_dontfork(&ring_);
  groups_[0] = TRY(BufferGroup::create(ring_, 0, options.bulk_buffers));
  groups_[1] = TRY(BufferGroup::create(ring_, 1, options.small_buffers));
  return {};
}

Uring::~Uring() {
  if (!is_open_) return;
  while (!graveyard_.empty()) {
    submit_and_wait(kNever);
    dispatch();
  }
  // Whatever is still in flight belongs to an object that outlives its loop.
  MCPWIRE_CHECK(in_flight_ == 0);
  io_uring_queue_exit(&ring_);
}

namespace {

io_uring_sqe buffered_read(int fd, const BufferGroup& group) noexcept {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_READ;
  entry.fd = fd;
  entry.off = ~std::uint64_t{0};
  entry.flags = IOSQE_BUFFER_SELECT;
  entry.buf_group = group.id();
  return entry;
}

}  // namespace

void Uring::read(Op& op, int fd, const BufferGroup& group) {
  if (!features_.has(KernelFeature::kReadMultishot)) return read_once(op, fd, group);
  io_uring_sqe entry = buffered_read(fd, group);
  entry.opcode = kOpReadMultishot;  // Its length must be 0: the buffers say it.
  start(op, entry);
}

void Uring::read_once(Op& op, int fd, const BufferGroup& group) {
  io_uring_sqe entry = buffered_read(fd, group);
  entry.len = group.bytes_each();
  start(op, entry);
}

void Uring::read_into(Op& op, int fd, MutableByteSpan memory) {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_READ;
  entry.fd = fd;
  entry.off = ~std::uint64_t{0};
  entry.addr = std::bit_cast<std::uintptr_t>(memory.data());
  entry.len = static_cast<std::uint32_t>(memory.size());
  start(op, entry);
}

void Uring::write(Op& op, int fd, ByteSpan bytes) {
  // The kernel's own limit of one write; more would be short anyway.
  constexpr std::size_t kWriteMax = 0x7ffff000;
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_WRITE;
  entry.fd = fd;
  entry.off = ~std::uint64_t{0};
  entry.addr = std::bit_cast<std::uintptr_t>(bytes.data());
  entry.len = static_cast<std::uint32_t>(bytes.size() < kWriteMax ? bytes.size() : kWriteMax);
  start(op, entry);
}

void Uring::poll(Op& op, int fd, unsigned events, PollMode mode) {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_POLL_ADD;
  entry.fd = fd;
  entry.poll32_events = events;
  if (mode == PollMode::kMultishot) entry.len = IORING_POLL_ADD_MULTI;
  start(op, entry);
}

void Uring::accept(Op& op, int fd) {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_ACCEPT;
  entry.fd = fd;
  entry.ioprio = IORING_ACCEPT_MULTISHOT;
  entry.accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  start(op, entry);
}

void Uring::cancel(Op& op) {
  MCPWIRE_CHECK(op.in_flight_);
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_ASYNC_CANCEL;
  entry.fd = -1;
  entry.addr = std::bit_cast<std::uintptr_t>(&op);
  enqueue(entry);
}

void Uring::cancel_now(Op& op) {
  MCPWIRE_CHECK(op.in_flight_);
  // The kernel can cancel only what it has seen.
  while (has_submissions()) submit();
  io_uring_sync_cancel_reg request{};
  request.addr = std::bit_cast<std::uintptr_t>(&op);
  request.fd = -1;
  request.timeout.tv_sec = -1;  // No limit.
  request.timeout.tv_nsec = -1;
  int error = 0;
  do {
    error = -io_uring_register_sync_cancel(&ring_, &request);
  } while (error == EINTR || error == EAGAIN);
  // ENOENT: it had completed. EALREADY: it is completing, in this thread's own task work.
  MCPWIRE_CHECK(error == 0 || error == ENOENT || error == EALREADY);
}

void Uring::start(Op& op, io_uring_sqe& entry) {
  MCPWIRE_CHECK(!op.in_flight_);
  MCPWIRE_CHECK(!op.is_linked());  // A buried operation starts nothing.
  op.in_flight_ = true;
  ++in_flight_;
  entry.user_data = std::bit_cast<std::uintptr_t>(&op);
  enqueue(entry);
}

void Uring::enqueue(const io_uring_sqe& entry) {
  io_uring_sqe* slot = unqueued_.empty() ? io_uring_get_sqe(&ring_) : nullptr;
  if (slot == nullptr) {
    unqueued_.push_back(entry);
  } else {
    *slot = entry;
  }
}

void Uring::refill() {
  while (!unqueued_.empty()) {
    io_uring_sqe* slot = io_uring_get_sqe(&ring_);
    if (slot == nullptr) return;
    *slot = unqueued_.front();
    unqueued_.pop_front();
  }
}

bool Uring::kernel_holds_completions() const noexcept {
  constexpr unsigned kEnterNeeded = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & kEnterNeeded) != 0;
}

bool Uring::has_completions() const noexcept {
  return kernel_holds_completions() || io_uring_cq_ready(&ring_) > 0;
}

void Uring::submit() {
  while (has_submissions() || kernel_holds_completions()) {
    ++kernel_enters_;
    // Enters with GETEVENTS where the flags say that completions wait for it.
    const int result = io_uring_submit(&ring_);
    MCPWIRE_CHECK(result >= 0 || is_transient(-result));
    if (result < 0) return;
    refill();
    if (!has_submissions()) return;
  }
}

void Uring::submit_and_wait(std::uint64_t timeout_ns) {
  if (!unqueued_.empty()) {
    submit();
    if (has_submissions() || has_completions()) return;
  }
  ++kernel_enters_;
  int result = 0;
  if (timeout_ns == kNever) {
    result = io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec timeout = to_timespec(timeout_ns);
    io_uring_cqe* first = nullptr;
    result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
  }
  MCPWIRE_CHECK(result >= 0 || is_transient(-result));
}

std::size_t Uring::dispatch() {
  std::size_t count = 0;
  unsigned head = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(&ring_, head, entry) {
    if (count == kBatchMax) break;
    batch_[count++] = {std::bit_cast<Op*>(std::uintptr_t{entry->user_data}), entry->res,
                       entry->flags};
  }
  // The room is given back before user code runs: that code may start operations.
  io_uring_cq_advance(&ring_, static_cast<unsigned>(count));
  for (std::size_t index = 0; index < count; ++index) complete(batch_[index]);
  return count;
}

void Uring::complete(const Completion& completion) {
  Op* op = completion.op;
  if (op == nullptr) return;  // A cancellation's own result; the target reports for itself.
  MCPWIRE_CHECK(op->in_flight_);
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    op->in_flight_ = false;
    --in_flight_;
  }
  op->completing_ = true;
  op->on_complete(completion.result, completion.flags);
  op->completing_ = false;
  // Buried before or during the call, and the kernel has let go of it.
  if (op->is_linked() && !op->in_flight_) delete op;
}

void Uring::bury(Op& op) noexcept {
  op.on_buried();
  if (op.in_flight_) cancel(op);
  graveyard_.push_back(op);
}

}  // namespace mcpwire::io::detail
