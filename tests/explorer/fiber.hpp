// SPDX-License-Identifier: MIT
//
// Fiber: a thread of a modelled program. It runs only while resume() is being called and can be
// dropped anywhere, without its destructors: what runs on it owns nothing.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <functional>
#include <memory>

#include <ucontext.h>

namespace mcpwire::explorer {

class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next resume() runs `body` from its start, whatever was going on before.
  void start(std::function<void()> body);
  /// Runs until suspend() or to the end. False: it has ended.
  bool resume();
  /// Back to resume(). REQUIRES: called on this fiber.
  void suspend();

 private:
  static constexpr std::size_t kStackBytes = 128 * 1024;

  static void enter();
  [[noreturn]] void loop();

  std::unique_ptr<std::byte[]> stack_;
  ucontext_t first_context_;
  ucontext_t creator_;
  // Jumps, since swapcontext() makes two system calls, which is most of an execution's time.
  std::jmp_buf top_;      ///< Where the fiber waits for a body.
  std::jmp_buf inside_;   ///< Where it was suspended.
  std::jmp_buf outside_;  ///< Whoever resumed it.
  std::function<void()> body_;
  bool suspended_ = false;
  bool ended_ = true;
};

}  // namespace mcpwire::explorer
