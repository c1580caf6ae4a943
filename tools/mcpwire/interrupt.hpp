// SPDX-License-Identifier: MIT
//
// Interrupt: Ctrl-C and SIGTERM as events of a descriptor, so that a call can be cancelled at its
// server instead of being abandoned. Signals that the parent had ignored (nohup, a background job)
// stay ignored.
//
// From the first Interrupt on these signals end nothing by themselves, also after it is gone: what
// became of a call is told whole, with its exit code, even if Ctrl-C came in that moment. Only a
// reader that takes no output is waited for no longer (PatientWriter).
//
// Threading: create and destroy it on the same thread, before any other thread exists.
#pragma once

#include "protocol/base/unique_fd.hpp"

namespace mcpwire::cli {

class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Readable when a signal came; one read of up to 128 bytes takes one. -1: not available.
  int fd() const noexcept { return events_.get(); }

 private:
  UniqueFd events_;
};

/// Readable when a signal came that an Interrupt has taken, now or before; empty where none did.
UniqueFd open_taken_signals() noexcept;

/// Ends the process by the signal itself, as its parent expects of a program that was interrupted.
[[noreturn]] void end_by_signal(int signal) noexcept;

/// A write into a pipe without a reader, or beyond a size limit, fails instead of ending the
/// process.
void ignore_write_signals() noexcept;

}  // namespace mcpwire::cli
