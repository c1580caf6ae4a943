// SPDX-License-Identifier: MIT
#include "tools/mcpwire/interrupt.hpp"

#include <sys/signalfd.h>

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
  ::sigprocmask(SIG_BLOCK, &taken, &before_);
  events_.reset(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!events_) ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Interrupt::~Interrupt() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

void ignore_write_signals() noexcept {
  for (const int signal : {SIGPIPE, SIGXFSZ}) {
    struct sigaction action{};
    action.sa_handler = SIG_IGN;
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace mcpwire::cli
