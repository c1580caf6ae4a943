// SPDX-License-Identifier: MIT
#include "io/fd_watcher.hpp"

#include "io/detail/io_backend.hpp"

#include <poll.h>

namespace mcpwire::io {

/// One started watch. A watch that is stopped is buried; starting again makes a new one, so that
/// the old one's late completion cannot be taken for the new one's.
class FdWatch::Wait final : public detail::Op {
 public:
  Wait(detail::IoBackend& backend, FdWatch& owner, int fd, Observer& observer, WatchMode mode,
       WatchFor what)
      : Op(backend), mode_(mode), what_(what), fd_(fd), owner_(&owner), observer_(observer) {
    static_assert(sizeof(Wait) <= 56);  // With the heap's word one line: ten thousand wait at once.
    arm();
  }

 private:
  void arm() {
    backend().poll(
        *this, fd_, what_ == WatchFor::kReadable ? POLLIN : POLLOUT,
        mode_ == WatchMode::kOnce ? detail::PollMode::kOnce : detail::PollMode::kMultishot);
  }
  void on_complete(int result, unsigned flags) override;
  void on_buried() noexcept override { owner_ = nullptr; }

  // Small ones first: they fit behind what the base class ends with.
  WatchMode mode_;
  WatchFor what_;
  int fd_;
  FdWatch* owner_;
  Observer& observer_;
};

void FdWatch::Wait::on_complete(int result, unsigned /*flags*/) {
  if (owner_ == nullptr) return;
  Observer& observer = observer_;
  if (result < 0 || mode_ == WatchMode::kOnce) {
    owner_->stop();
  } else if (!is_in_flight()) {
    // The kernel ends a multishot wait when its completion queue overflows. Waiting anew reports
    // at once what is there already.
    arm();
  }
  observer.on_ready(result < 0 ? unsigned{POLLNVAL} : static_cast<unsigned>(result));
}

FdWatch::FdWatch() noexcept = default;

FdWatch::~FdWatch() = default;

void FdWatch::start(Loop& loop, int fd, Observer& observer, WatchMode mode, WatchFor what) {
  if (wait_ != nullptr) return;
  wait_.reset(new Wait(loop.backend(), *this, fd, observer, mode, what));
}

void FdWatch::stop() noexcept { wait_.reset(); }

bool FdWatch::is_started() const noexcept { return wait_ != nullptr; }

}  // namespace mcpwire::io
