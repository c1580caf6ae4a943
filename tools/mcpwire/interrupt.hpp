// SPDX-License-Identifier: MIT
//
// Interrupt: Ctrl-C and SIGTERM as events of a descriptor while it lives, so that a call can be
// cancelled at its server instead of being abandoned. Signals that the parent had ignored (nohup, a
// background job) stay ignored.
//
// Threading: create and destroy it on the same thread, before any other thread exists.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <csignal>

namespace mcpwire::cli {

class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  /// The signals act as before again; one that came meanwhile and was not read takes effect now.
  ~Interrupt();

  /// Readable when a signal came; one read of up to 128 bytes takes one. -1: not available.
  int fd() const noexcept { return events_.get(); }

 private:
  sigset_t before_{};
  UniqueFd events_;
};

/// A write into a pipe without a reader, or beyond a size limit, fails instead of ending the
/// process.
void ignore_write_signals() noexcept;

}  // namespace mcpwire::cli
