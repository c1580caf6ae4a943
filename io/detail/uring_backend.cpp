// SPDX-License-Identifier: MIT
#include "io/detail/uring_backend.hpp"

#include "io/detail/registered_buffer_group.hpp"
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

static_assert(kCompletionHasBuffer == IORING_CQE_F_BUFFER);
static_assert(kCompletionMore == IORING_CQE_F_MORE);
static_assert(kCompletionBufferShift == IORING_CQE_BUFFER_SHIFT);

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

Result<std::unique_ptr<UringBackend>> UringBackend::create(const LoopOptions& options,
                                                           KernelFeatures features) {
  std::unique_ptr<UringBackend> backend(new UringBackend(features));
  TRY(backend->open(options));
  return backend;
}

int UringBackend::try_open(std::uint32_t submission_entries, std::uint32_t completion_entries) {
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

Result<void> UringBackend::open(const LoopOptions& options) {
  int error = try_open(options.submission_entries, options.completion_entries);
  has_small_queues_ = error == ENOMEM;
  if (has_small_queues_) error = try_open(kSmallSubmissionEntries, kSmallCompletionEntries);
  if (error != 0) return fail(setup_error(error));
  is_open_ = true;
  // A child between fork and exec must not touch the queues; the ring would refuse it anyway.
  io_uring_ring_dontfork(&ring_);
  for (const ReadBuffers which : {ReadBuffers::kBulk, ReadBuffers::kSmall}) {
    const bool is_bulk = which == ReadBuffers::kBulk;
    set_buffers(which, TRY(RegisteredBufferGroup::create(
                           ring_, static_cast<std::uint16_t>(which),
                           is_bulk ? options.bulk_buffers : options.small_buffers)));
  }
  return {};
}

UringBackend::~UringBackend() {
  if (!is_open_) return;
  drain_graveyard();
  io_uring_queue_exit(&ring_);
}

namespace {

io_uring_sqe buffered_read(int fd, ReadBuffers group) noexcept {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_READ;
  entry.fd = fd;
  entry.off = ~std::uint64_t{0};
  entry.flags = IOSQE_BUFFER_SELECT;
  entry.buf_group = static_cast<std::uint16_t>(group);
  return entry;
}

}  // namespace

void UringBackend::read(Op& op, int fd, ReadBuffers group) {
  if (!features_.has(KernelFeature::kReadMultishot)) return read_once(op, fd, group);
  io_uring_sqe entry = buffered_read(fd, group);
  entry.opcode = kOpReadMultishot;  // Its length must be 0: the buffers say it.
  start(op, entry);
}

void UringBackend::read_once(Op& op, int fd, ReadBuffers group) {
  io_uring_sqe entry = buffered_read(fd, group);
  entry.len = buffers(group).bytes_each();
  start(op, entry);
}

void UringBackend::read_into(Op& op, int fd, MutableByteSpan memory) {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_READ;
  entry.fd = fd;
  entry.off = ~std::uint64_t{0};
  entry.addr = std::bit_cast<std::uintptr_t>(memory.data());
  entry.len = static_cast<std::uint32_t>(memory.size());
  start(op, entry);
}

void UringBackend::write(Op& op, int fd, ByteSpan bytes) {
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

void UringBackend::poll(Op& op, int fd, unsigned events, PollMode mode) {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_POLL_ADD;
  entry.fd = fd;
  entry.poll32_events = events;
  if (mode == PollMode::kMultishot) entry.len = IORING_POLL_ADD_MULTI;
  start(op, entry);
}

void UringBackend::accept(Op& op, int fd) {
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_ACCEPT;
  entry.fd = fd;
  entry.ioprio = IORING_ACCEPT_MULTISHOT;
  entry.accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  start(op, entry);
}

void UringBackend::cancel(Op& op) {
  MCPWIRE_CHECK(op.is_in_flight());
  io_uring_sqe entry{};
  entry.opcode = IORING_OP_ASYNC_CANCEL;
  entry.fd = -1;
  entry.addr = std::bit_cast<std::uintptr_t>(&op);
  enqueue(entry);
}

void UringBackend::cancel_now(Op& op) {
  MCPWIRE_CHECK(op.is_in_flight());
  // The kernel can cancel only what it has seen.
  while (has_submissions()) submit();
  io_uring_sync_cancel_reg request{};
  request.addr = std::bit_cast<std::uintptr_t>(&op);
  request.fd = -1;
  request.timeout.tv_sec = -1;  // No limit.
  request.timeout.tv_nsec = -1;
  int error = 0;
  do {
    ++kernel_enters_;
    error = -io_uring_register_sync_cancel(&ring_, &request);
  } while (error == EINTR || error == EAGAIN);
  // ENOENT: it had completed. EALREADY: it is completing, in this thread's own task work.
  MCPWIRE_CHECK(error == 0 || error == ENOENT || error == EALREADY);
}

void UringBackend::start(Op& op, io_uring_sqe& entry) {
  begin(op);
  entry.user_data = std::bit_cast<std::uintptr_t>(&op);
  enqueue(entry);
}

void UringBackend::enqueue(const io_uring_sqe& entry) {
  // A link that is split over two submissions is none, and what hides its success hides a short
  // write.
  constexpr unsigned kUnused = IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
  MCPWIRE_CHECK((entry.flags & kUnused) == 0);
  io_uring_sqe* slot = unqueued_.empty() ? io_uring_get_sqe(&ring_) : nullptr;
  if (slot == nullptr) {
    unqueued_.push_back(entry);
  } else {
    *slot = entry;
  }
}

void UringBackend::refill() {
  while (!unqueued_.empty()) {
    io_uring_sqe* slot = io_uring_get_sqe(&ring_);
    if (slot == nullptr) return;
    *slot = unqueued_.front();
    unqueued_.pop_front();
  }
}

void UringBackend::submit() {
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

void UringBackend::submit_and_wait(std::uint64_t timeout_ns) {
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

std::size_t UringBackend::dispatch() {
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
  for (std::size_t index = 0; index < count; ++index) {
    // Without: a cancellation's own result; the target reports for itself.
    if (batch_[index].op != nullptr) complete(batch_[index]);
  }
  return count;
}

}  // namespace mcpwire::io::detail
