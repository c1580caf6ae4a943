// SPDX-License-Identifier: MIT
//
// FdWatcher: tells when a descriptor has something to read, without reading it. For control
// sockets, eventfds, pidfds and signalfds: an idle one costs about 100 bytes and no buffer.
// FdWatch is the same for whoever has thousands of them and knows what it watches: 72 bytes.
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

class FdWatch {
 public:
  class Observer {
   public:
    /// `events` are poll(2) bits: POLLIN or POLLOUT, POLLHUP, POLLERR. A watch that failed
    /// (an invalid descriptor, say) reports POLLNVAL and is stopped.
    virtual void on_ready(unsigned events) = 0;

   protected:
    ~Observer() = default;
  };

  FdWatch() noexcept;
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  /// Starting what is started changes nothing. `observer` outlives the watch or its stop().
  void start(Loop& loop, int fd, Observer& observer, WatchMode mode,
             WatchFor what = WatchFor::kReadable);
  void stop() noexcept;
  bool is_started() const noexcept;

 private:
  class Wait;
  detail::OpPtr<Wait> wait_;
};

class FdWatcher {
 public:
  using Observer = FdWatch::Observer;

  /// `observer` outlives the watcher or its stop().
  FdWatcher(Loop& loop, int fd, Observer& observer) noexcept
      : loop_(loop), observer_(observer), fd_(fd) {}

  /// Starting what is started changes nothing.
  void start(WatchMode mode, WatchFor what = WatchFor::kReadable) {
    watch_.start(loop_, fd_, observer_, mode, what);
  }
  void stop() noexcept { watch_.stop(); }
  bool is_started() const noexcept { return watch_.is_started(); }

 private:
  FdWatch watch_;
  Loop& loop_;
  Observer& observer_;
  int fd_;
};

}  // namespace mcpwire::io
