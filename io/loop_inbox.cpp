// SPDX-License-Identifier: MIT
#include "io/loop_inbox.hpp"

#include "protocol/base/check.hpp"
#include "telemetry/system_calls.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <boost/lockfree/queue.hpp>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace mcpwire::io {
namespace {

// What one turn takes at most, so that a flood of work cannot hold the loop.
constexpr std::size_t kBatchMax = 64;
// Boost.Lockfree addresses a fixed-size queue's nodes with 16 bits, two of them its own.
constexpr std::size_t kCapacityMax = 65534;

}  // namespace

struct LoopInbox::Queue {
  explicit Queue(std::size_t capacity) : works(capacity) {}
  boost::lockfree::queue<InboxWork*, boost::lockfree::fixed_sized<true>> works;
};

Result<std::unique_ptr<LoopInbox>> LoopInbox::create(Loop& loop, std::size_t capacity) {
  MCPWIRE_CHECK(capacity >= 1 && capacity <= kCapacityMax);
  UniqueFd wake_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_fd) return fail(Error::from_errno(ErrorKind::kInternal, errno, "eventfd"));
  return std::unique_ptr<LoopInbox>(new LoopInbox(loop, std::move(wake_fd), capacity));
}

LoopInbox::LoopInbox(Loop& loop, UniqueFd wake_fd, std::size_t capacity)
    : loop_(loop),
      wake_fd_(std::move(wake_fd)),
      watcher_(loop, wake_fd_.get(), *this),
      queue_(std::make_unique<Queue>(capacity)) {
  watcher_.start(WatchMode::kEachArrival);
}

LoopInbox::~LoopInbox() { watcher_.stop(); }

bool LoopInbox::try_push(InboxWork& work) noexcept {
  if (!queue_->works.bounded_push(&work)) return false;
  // SYNC [inbox-wake] Whoever finds false rings. Whoever finds true pushed before the loop's own
  // exchange in on_ready(), and the drain behind that exchange sees the work.
  if (!wake_pending_.exchange(true, std::memory_order_acq_rel)) {
    const std::uint64_t one = 1;
    // It cannot fail: the counter would have to reach 2^64 - 2, and it is emptied at each look.
    telemetry::count_system_call();
    const ssize_t written = write(wake_fd_.get(), &one, sizeof one);
    MCPWIRE_CHECK(written == sizeof one);
  }
  return true;
}

void LoopInbox::on_ready(unsigned /*events*/) {
  std::uint64_t rings = 0;
  telemetry::count_system_call();
  const ssize_t bytes = read(wake_fd_.get(), &rings, sizeof rings);
  MCPWIRE_CHECK(bytes == sizeof rings || errno == EAGAIN);
  // SYNC [inbox-wake] Before the drain: work that is pushed from here on rings again.
  wake_pending_.exchange(false, std::memory_order_acq_rel);
  run();
}

void LoopInbox::run() {
  // Posted first, because the work may destroy this inbox; a run too many finds an empty queue.
  if (queue_->works.empty()) return;
  loop_.post(*this);
  run_batch();
}

bool LoopInbox::run_batch() {
  InboxWork* works[kBatchMax];
  std::size_t count = 0;
  while (count < kBatchMax && queue_->works.pop(works[count])) ++count;
  for (std::size_t index = 0; index < count; ++index) works[index]->run_on_loop();
  return count > 0;
}

void LoopInbox::run_pending() {
  while (run_batch()) {
  }
}

}  // namespace mcpwire::io
