// SPDX-License-Identifier: MIT
#include "tools/mcpwire/interrupt.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace mcpwire::cli {
namespace {

bool is_ignored(int signal) noexcept {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Interrupt::Interrupt() {
  sigset_t taken;
  ::sigemptyset(&taken);
  for (const int signal : {SIGINT, SIGTERM}) {
    // A blocked signal would reach the descriptor even where it is ignored.
    if (!is_ignored(signal)) ::sigaddset(&taken, signal);
  }
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &taken, &before);
  events_.reset(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!events_) ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

UniqueFd open_taken_signals() noexcept {
  sigset_t blocked;
  sigset_t taken;
  ::sigemptyset(&taken);
  if (::sigprocmask(SIG_SETMASK, nullptr, &blocked) != 0) return {};
  bool is_any = false;
  for (const int signal : {SIGINT, SIGTERM}) {
    if (::sigismember(&blocked, signal) != 1 || is_ignored(signal)) continue;
    ::sigaddset(&taken, signal);
    is_any = true;
  }
  return UniqueFd(is_any ? ::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK) : -1);
}

void end_by_signal(int signal) noexcept {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, signal);
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);
}

void ignore_write_signals() noexcept {
  for (const int signal : {SIGPIPE, SIGXFSZ}) {
    struct sigaction action{};
    action.sa_handler = SIG_IGN;
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace mcpwire::cli
