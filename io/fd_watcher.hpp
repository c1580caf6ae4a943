// SPDX-License-Identifier: MIT
//
// FdWatcher: tells when a descriptor has something to read, without reading it. For control
// sockets, eventfds, pidfds and signalfds: an idle one costs about 100 bytes and no buffer.
//
// Threading: the loop's thread.
// Invariants: after stop() or destruction no callback comes; the observer may destroy the watcher
// inside its callback. It does not own the descriptor: stop it before closing that. The peer then
// sees the end one turn later, because until the kernel ends the wait it holds the file open.
#pragma once

#include "io/detail/op.hpp"
#include "io/loop.hpp"

#include <cstdint>

namespace mcpwire::io {

/// When the observer is told.
enum class WatchMode : std::uint8_t {
  kOnce,         ///< Once; start() again for the next time.
  kEachArrival,  ///< Whenever something new arrives: the observer must read until EAGAIN.
};

/// What start() waits for besides errors and the peer's end, which always tell.
enum class WatchFor : std::uint8_t { kReadable, kWritable };

class FdWatcher {
 public:
  class Observer {
   public:
    /// `events` are poll(2) bits: POLLIN or POLLOUT, POLLHUP, POLLERR. A watch that failed
    /// (an invalid descriptor, say) reports POLLNVAL and is stopped.
    virtual void on_ready(unsigned events) = 0;

   protected:
    ~Observer() = default;
  };

  /// `observer` outlives the watcher or its stop().
  FdWatcher(Loop& loop, int fd, Observer& observer);
  ~FdWatcher();
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

  /// Starting what is started changes nothing.
  void start(WatchMode mode, WatchFor what = WatchFor::kReadable);
  void stop() noexcept;
  bool is_started() const noexcept;

 private:
  class Watch;
  detail::OpPtr<Watch> watch_;

  Loop& loop_;
  Observer& observer_;
  int fd_;
};

}  // namespace mcpwire::io
