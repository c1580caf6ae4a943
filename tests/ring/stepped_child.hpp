// SPDX-License-Identifier: MIT
//
// SteppedChild: a forked child whose operation runs one processor instruction at a time, so that a
// test can end it between any two of them.
//
// Threading: the thread that forked it; a tracer is a thread.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <cstdint>
#include <functional>

#include <sys/types.h>

namespace mcpwire::ring {

class SteppedChild {
 public:
  /// False where single steps cannot be had: other processors, ptrace() refused.
  static bool is_possible();

  /// The child has come to the first instruction of `operation`, which must not return by
  /// exception. It inherits every descriptor and, of the rings, what inherit() named.
  explicit SteppedChild(const std::function<void()>& operation);
  SteppedChild(SteppedChild&&) = delete;
  ~SteppedChild();

  /// Lets a mapping of ring/ be inherited, which it is not by itself.
  static void inherit(const void* base, std::size_t bytes);

  enum class Step {
    kRan,     ///< One instruction more.
    kAsleep,  ///< It is in poll() and stays there until it is woken: then awake().
    kEnded,   ///< The operation is over. The child is still there.
    kBroken,  ///< A signal that nobody expects, or the child is gone.
  };
  Step step();
  /// Runs until the next instruction is the one at `address`, for the `times`th time; kEnded if
  /// that does not come. Much quicker than single steps. REQUIRES: it never sleeps on the way.
  Step run_to(std::uint64_t address, std::uint32_t times);
  /// Runs to the end of the operation, or until it sleeps.
  Step run_to_end();
  /// Of the next instruction.
  std::uint64_t address() const;
  /// To be called after something was done that wakes the child out of poll().
  Step awake();

  /// Ends it and does not wait for the end.
  void kill() const;
  /// Waits for the end; the signal that ended it, or -1.
  int reap();
  int pidfd() const noexcept { return pidfd_.get(); }

 private:
  void set_breakpoint(std::uint64_t address) const;
  bool is_before_poll() const;
  bool is_asleep() const;
  Step wait_for_stop_or_sleep();
  Step understand(int status);

  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

}  // namespace mcpwire::ring
