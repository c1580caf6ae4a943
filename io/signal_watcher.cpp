// SPDX-License-Identifier: MIT
#include "io/signal_watcher.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <utility>

namespace mcpwire::io {
namespace {

sigset_t termination_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void ignore_write_signals() noexcept {
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

void block_termination_signals() noexcept {
  const sigset_t set = termination_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::uint64_t raise_open_files_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

void forbid_core_dumps() noexcept {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // The limit does not hold where the kernel hands dumps to a program. Either may be refused;
  // there is nothing else to be done about it.
  const UniqueFd filter(open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));
  if (filter) [[maybe_unused]]
    const ssize_t written = write(filter.get(), "0", 1);
}

Result<std::unique_ptr<SignalWatcher>> SignalWatcher::create(Loop& loop, Observer& observer) {
  const sigset_t set = termination_signals();
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail(Error::from_errno(ErrorKind::kInternal, errno, "signalfd"));
  return std::unique_ptr<SignalWatcher>(new SignalWatcher(loop, std::move(fd), observer));
}

SignalWatcher::SignalWatcher(Loop& loop, UniqueFd fd, Observer& observer)
    : fd_(std::move(fd)), observer_(observer), watcher_(loop, fd_.get(), *this) {
  watcher_.start(WatchMode::kOnce);
}

void SignalWatcher::on_ready(unsigned /*events*/) {
  signalfd_siginfo info{};
  const ssize_t bytes = read(fd_.get(), &info, sizeof info);
  // One signal per look; armed again first, because the observer may destroy this watcher.
  watcher_.start(WatchMode::kOnce);
  if (bytes == sizeof info) observer_.on_signal(static_cast<int>(info.ssi_signo));
}

}  // namespace mcpwire::io
