// SPDX-License-Identifier: MIT
//
// SignalWatcher: SIGTERM, SIGINT and SIGHUP as callbacks of the loop; and what a process does once,
// before its first thread, so that signals and limits do not surprise it.
// Threading: the functions before any thread is created; the watcher on the loop's thread.
#pragma once

#include "io/fd_watcher.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire::io {

/// Ignores SIGPIPE and SIGXFSZ: a peer that went away and a full quota are errors of the call.
void ignore_write_signals() noexcept;

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and those it creates, for SignalWatcher.
void block_termination_signals() noexcept;

/// Raises the soft limit of open files to the hard one. Returns the limit in force.
std::uint64_t raise_open_files_limit() noexcept;

/// No crash of this process or of its children leaves its memory, with the environments of all
/// clients, in a file: no core file, and nothing in what a collector of core dumps is given.
void forbid_core_dumps() noexcept;

class SignalWatcher final : private FdWatcher::Observer {
 public:
  class Observer {
   public:
    /// `signal` is SIGTERM, SIGINT or SIGHUP.
    virtual void on_signal(int signal) = 0;

   protected:
    ~Observer() = default;
  };

  /// REQUIRES: block_termination_signals() was called. `observer` outlives the watcher.
  static Result<std::unique_ptr<SignalWatcher>> create(Loop& loop, Observer& observer);

 private:
  SignalWatcher(Loop& loop, UniqueFd fd, Observer& observer);
  void on_ready(unsigned events) override;

  UniqueFd fd_;
  Observer& observer_;
  FdWatcher watcher_;
};

}  // namespace mcpwire::io
