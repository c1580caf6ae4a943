// SPDX-License-Identifier: MIT
#include "io/fd_watcher.hpp"

#include "io/detail/io_backend.hpp"

#include <poll.h>

namespace mcpwire::io {

/// One started watch. A watch that is stopped is buried; starting again makes a new one, so that
/// the old one's late completion cannot be taken for the new one's.
class FdWatcher::Watch final : public detail::Op {
 public:
  Watch(detail::IoBackend& backend, FdWatcher& owner, WatchMode mode, unsigned events)
      : Op(backend), owner_(&owner), fd_(owner.fd_), events_(events), mode_(mode) {
    arm();
  }

 private:
  void arm() {
    backend().poll(
        *this, fd_, events_,
        mode_ == WatchMode::kOnce ? detail::PollMode::kOnce : detail::PollMode::kMultishot);
  }
  void on_complete(int result, unsigned flags) override;
  void on_buried() noexcept override { owner_ = nullptr; }

  FdWatcher* owner_;
  int fd_;
  unsigned events_;
  WatchMode mode_;
};

void FdWatcher::Watch::on_complete(int result, unsigned /*flags*/) {
  if (owner_ == nullptr) return;
  FdWatcher& owner = *owner_;
  Observer& observer = owner.observer_;
  if (result < 0 || mode_ == WatchMode::kOnce) {
    owner.stop();
  } else if (!is_in_flight()) {
    // The kernel ends a multishot wait when its completion queue overflows. Waiting anew reports
    // at once what is there already.
    arm();
  }
  observer.on_ready(result < 0 ? unsigned{POLLNVAL} : static_cast<unsigned>(result));
}

FdWatcher::FdWatcher(Loop& loop, int fd, Observer& observer)
    : loop_(loop), observer_(observer), fd_(fd) {}

FdWatcher::~FdWatcher() = default;

void FdWatcher::start(WatchMode mode, WatchFor what) {
  if (watch_ != nullptr) return;
  const unsigned events = what == WatchFor::kReadable ? POLLIN : POLLOUT;
  watch_.reset(new Watch(loop_.backend(), *this, mode, events));
}

void FdWatcher::stop() noexcept { watch_.reset(); }

bool FdWatcher::is_started() const noexcept { return watch_ != nullptr; }

}  // namespace mcpwire::io
