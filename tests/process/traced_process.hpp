// SPDX-License-Identifier: MIT
//
// TracedProcess: the main thread of another process, run from one system call (or one processor
// instruction) to the next and held there, so that it can be killed or stopped at a chosen step.
//
// Threading: the thread that created it; a tracer is a thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace mcpwire::test {

class TracedProcess {
 public:
  /// False where ptrace() is refused.
  static bool is_possible();

  /// Takes hold of a running process, which is our descendant. Held at once.
  explicit TracedProcess(pid_t process);
  /// Starts a program that prints into nothing, held before its first instruction.
  TracedProcess(const std::vector<std::string>& words,
                const std::map<std::string, std::string>& environment,
                const std::string& directory);
  TracedProcess(TracedProcess&&) = delete;
  /// One that was attached to goes on, one that was started is killed.
  ~TracedProcess();

  /// Runs to the next entry into or exit from a system call. False if the process has ended.
  bool run_to_system_call();
  /// Runs one instruction. False if the process has ended.
  bool step();

  /// SIGKILL. The process may still be ending.
  void kill();
  /// SIGSTOP, and lets go: the process is stopped as by anybody, and goes on with SIGCONT.
  void stop_and_let_go();

  pid_t process_id() const noexcept { return process_; }

 private:
  bool go(int request);

  pid_t process_;
  int signal_to_deliver_ = 0;
  bool is_started_here_ = false;
  bool is_held_ = false;
};

}  // namespace mcpwire::test
