// SPDX-License-Identifier: MIT
#include "io/detail/epoll_backend.hpp"

#include "protocol/base/check.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <utility>

namespace mcpwire::io::detail {
namespace {

// What one operation does at most before others have their turn: eight buffers of 64.
constexpr int kRepeatsPerAttempt = 8;
constexpr std::size_t kDispatchMax = 256;
constexpr std::size_t kEventsPerWait = 64;
// The kernel's own limit of one write; more would be short anyway.
constexpr std::size_t kTransferMax = 0x7ffff000;
// What io_uring reports beside what was asked for.
constexpr unsigned kAlwaysReported = EPOLLERR | EPOLLHUP | EPOLLRDHUP;

constexpr bool is_poll(auto kind) {
  using Kind = decltype(kind);
  return kind == Kind::kPollOnce || kind == Kind::kPollMany;
}

}  // namespace

Result<std::unique_ptr<EpollBackend>> EpollBackend::create(const LoopOptions& options) {
  std::unique_ptr<EpollBackend> backend(new EpollBackend(TRY(EpollInterest::create())));
  for (const ReadBuffers which : {ReadBuffers::kBulk, ReadBuffers::kSmall}) {
    const bool is_bulk = which == ReadBuffers::kBulk;
    std::unique_ptr<FreeBufferGroup> group =
        TRY(FreeBufferGroup::create(is_bulk ? options.bulk_buffers : options.small_buffers));
    backend->free_buffers_[static_cast<std::size_t>(which)] = group.get();
    backend->set_buffers(which, std::move(group));
  }
  return backend;
}

EpollBackend::~EpollBackend() { drain_graveyard(); }

void EpollBackend::adopt(int fd) noexcept {
  const int flags = fcntl(fd, F_GETFL);
  // An invalid descriptor shows itself at its first operation.
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

// --- Starting and cancelling -----------------------------------------------------------------

void EpollBackend::read(Op& op, int fd, ReadBuffers group) {
  start(op, {.kind = Kind::kReadMany, .fd = fd, .events = EPOLLIN, .group = group});
}

void EpollBackend::read_once(Op& op, int fd, ReadBuffers group) {
  start(op, {.kind = Kind::kReadOnce, .fd = fd, .events = EPOLLIN, .group = group});
}

void EpollBackend::read_into(Op& op, int fd, MutableByteSpan memory) {
  start(op, {.kind = Kind::kReadInto, .fd = fd, .events = EPOLLIN, .memory = memory});
}

void EpollBackend::write(Op& op, int fd, ByteSpan bytes) {
  start(op, {.kind = Kind::kWrite, .fd = fd, .events = EPOLLOUT, .bytes = bytes});
}

void EpollBackend::poll(Op& op, int fd, unsigned events, PollMode mode) {
  const Kind kind = mode == PollMode::kOnce ? Kind::kPollOnce : Kind::kPollMany;
  start(op, {.kind = kind, .fd = fd, .events = events | EPOLLRDHUP});
}

void EpollBackend::accept(Op& op, int fd) {
  start(op, {.kind = Kind::kAccept, .fd = fd, .events = EPOLLIN});
}

void EpollBackend::start(Op& op, const Request& request) {
  begin(op);
  requests_.insert_or_assign(&op, request);
  fresh_.push_back(&op);
}

void EpollBackend::cancel(Op& op) {
  MCPWIRE_CHECK(op.is_in_flight());
  // Else it was faster: its last completion waits to be dispatched.
  if (requests_.contains(&op)) finish(op, -ECANCELED, 0);
}

void EpollBackend::cancel_now(Op& op) {
  // What was written in this turn goes out before its writer closes.
  attempt_fresh();
  cancel(op);
}

// --- Trying ----------------------------------------------------------------------------------

void EpollBackend::attempt_fresh() {
  // Those that have more come again with the next submission.
  for (std::size_t count = fresh_.size(); count > 0; --count) {
    Op* op = fresh_.front();
    fresh_.pop_front();
    const auto found = requests_.find(op);
    if (found != requests_.end()) attempt(*op, Request(found->second));
  }
}

void EpollBackend::attempt(Op& op, const Request& request) {
  Attempt outcome = Attempt::kMustWait;
  switch (request.kind) {
    case Kind::kReadMany:
    case Kind::kReadOnce:
      outcome = read_some(op, request);
      break;
    case Kind::kReadInto:
      ++system_calls_;
      outcome =
          finish_call(op, ::read(request.fd, request.memory.data(), request.memory.size()), 0);
      break;
    case Kind::kWrite:
      ++system_calls_;
      outcome = finish_call(
          op,
          ::write(request.fd, request.bytes.data(), std::min(request.bytes.size(), kTransferMax)),
          0);
      break;
    case Kind::kAccept:
      outcome = accept_some(op, request);
      break;
    case Kind::kPollOnce:
    case Kind::kPollMany:
      break;  // Registering it reports what is there already.
  }
  if (outcome == Attempt::kMustWait) wait_for(op, request);
  if (outcome == Attempt::kHasMore) fresh_.push_back(&op);
}

EpollBackend::Attempt EpollBackend::read_some(Op& op, const Request& request) {
  if (request.kind == Kind::kReadOnce) return fill_one(op, request, 0);
  for (int repeat = 0; repeat < kRepeatsPerAttempt; ++repeat) {
    const Attempt outcome = fill_one(op, request, kCompletionMore);
    if (outcome != Attempt::kHasMore) return outcome;
  }
  return Attempt::kHasMore;
}

EpollBackend::Attempt EpollBackend::fill_one(Op& op, const Request& request, unsigned flags) {
  FreeBufferGroup& group = *free_buffers_[static_cast<std::size_t>(request.group)];
  const std::optional<std::uint16_t> buffer = group.try_take();
  if (!buffer.has_value()) {
    finish(op, -ENOBUFS, 0);
    return Attempt::kEnded;
  }
  const MutableByteSpan room = group.room(*buffer);
  ++system_calls_;
  const ssize_t bytes = ::read(request.fd, room.data(), room.size());
  const int error = errno;
  group.close_room(*buffer);
  if (bytes > 0) {
    const unsigned number = unsigned{*buffer} << kCompletionBufferShift;
    return finish_call(op, bytes, flags | kCompletionHasBuffer | number);
  }
  group.give_back(*buffer);
  errno = error;
  return finish_call(op, bytes, 0);
}

EpollBackend::Attempt EpollBackend::accept_some(Op& op, const Request& request) {
  for (int repeat = 0; repeat < kRepeatsPerAttempt; ++repeat) {
    ++system_calls_;
    const int socket = accept4(request.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const Attempt outcome = finish_call(op, socket, socket < 0 ? 0 : kCompletionMore);
    if (outcome != Attempt::kHasMore) return outcome;
  }
  return Attempt::kHasMore;
}

EpollBackend::Attempt EpollBackend::finish_call(Op& op, long result, unsigned flags) {
  if (result < 0 && errno == EAGAIN) return Attempt::kMustWait;
  if (result < 0 && errno == EINTR) return Attempt::kHasMore;
  const int outcome = result < 0 ? -errno : static_cast<int>(result);
  if ((flags & kCompletionMore) != 0) {
    completions_.push_back({&op, outcome, flags});
    return Attempt::kHasMore;
  }
  finish(op, outcome, flags);
  return Attempt::kEnded;
}

void EpollBackend::finish(Op& op, int result, unsigned flags) {
  const auto found = requests_.find(&op);
  const int fd = found->second.fd;
  requests_.erase(found);
  interest_.remove(op, fd);
  completions_.push_back({&op, result, flags});
}

// --- Waiting ---------------------------------------------------------------------------------

void EpollBackend::wait_for(Op& op, const Request& request) {
  // A poll has not looked for itself.
  const bool looks = is_poll(request.kind);
  const int error = interest_.add(op, request.fd, request.events,
                                  looks ? EpollInterest::Look::kYes : EpollInterest::Look::kNo);
  if (error == 0) return;
  // Files that epoll does not take (EPERM) are always ready.
  const unsigned ready = request.events & (EPOLLIN | EPOLLOUT);
  finish(op, error == EPERM && looks ? static_cast<int>(ready) : -error, 0);
}

void EpollBackend::submit() {
  attempt_fresh();
  collect(0);
}

void EpollBackend::submit_and_wait(std::uint64_t timeout_ns) {
  attempt_fresh();
  collect(completions_.empty() && fresh_.empty() ? timeout_ns : 0);
}

void EpollBackend::collect(std::uint64_t timeout_ns) {
  std::array<epoll_event, kEventsPerWait> events;
  const std::size_t count = interest_.wait(events, timeout_ns);
  for (std::size_t index = 0; index < count; ++index) {
    on_event(events[index].data.fd, events[index].events);
  }
}

void EpollBackend::on_event(int fd, unsigned events) {
  for (const EpollInterest::Waiter& waiter : interest_.waiters_of(fd)) {
    const Request request = requests_.at(waiter.op);
    const unsigned ready = events & (request.events | kAlwaysReported);
    if (ready == 0) continue;
    if (request.kind == Kind::kPollMany) {
      completions_.push_back({waiter.op, static_cast<int>(ready), kCompletionMore});
    } else if (request.kind == Kind::kPollOnce) {
      finish(*waiter.op, static_cast<int>(ready), 0);
    } else {
      attempt(*waiter.op, request);
    }
  }
}

std::size_t EpollBackend::dispatch() {
  const std::size_t count = std::min(completions_.size(), kDispatchMax);
  for (std::size_t index = 0; index < count; ++index) {
    const Completion next = completions_.front();
    completions_.pop_front();
    complete(next);
  }
  return count;
}

}  // namespace mcpwire::io::detail
