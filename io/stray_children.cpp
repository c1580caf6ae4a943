// SPDX-License-Identifier: MIT
#include "io/stray_children.hpp"

#include "protocol/base/process_fd.hpp"
#include "protocol/base/system_clock.hpp"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

constexpr std::uint64_t kPatienceNs = kNanosecondsPerSecond;

/// The processes whose parent is this process's first thread.
std::optional<std::vector<std::int32_t>> list_children() {
  const std::string own = std::to_string(::getpid());
  std::ifstream file("/proc/self/task/" + own + "/children");
  if (!file.is_open()) return std::nullopt;
  std::vector<std::int32_t> children;
  for (std::int32_t child = 0; file >> child;) children.push_back(child);
  return children;
}

/// True if it had ended, and is gone now.
bool try_reap(std::int32_t process_id) noexcept {
  siginfo_t info{};
  const int result = ::waitid(P_PID, static_cast<id_t>(process_id), &info, WEXITED | WNOHANG);
  return result == 0 && info.si_pid == process_id;
}

}  // namespace

Result<std::unique_ptr<StrayChildren>> StrayChildren::adopt(Loop& loop, Guardian& guardian) {
  if (!list_children().has_value()) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kUnspecified,
                "the kernel lists no children in /proc");
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail(Error::from_errno(ErrorKind::kInternal, errno, "signalfd"));
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return fail(Error::from_errno(ErrorKind::kUnsupported, errno, "PR_SET_CHILD_SUBREAPER"));
  }
  return std::unique_ptr<StrayChildren>(new StrayChildren(loop, guardian, std::move(signals)));
}

StrayChildren::StrayChildren(Loop& loop, Guardian& guardian, UniqueFd signals)
    : loop_(loop),
      guardian_(guardian),
      signals_(std::move(signals)),
      watcher_(loop, signals_.get(), *this) {
  guardian_.observe_groups(this);
  watcher_.start(WatchMode::kOnce);
}

StrayChildren::~StrayChildren() {
  guardian_.observe_groups(nullptr);
  end_all_blocking();
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

void StrayChildren::on_ready(unsigned /*events*/) {
  // Before the children are looked at: a child that ends meanwhile signals once more.
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
  }
  watcher_.start(WatchMode::kOnce);
  look();
}

void StrayChildren::on_group_ended(std::int32_t group_id) {
  ended_sessions_.insert(group_id);
  // Not now: the group's leader is not reaped yet, and no longer registered.
  if (!Runnable::is_linked()) loop_.post(*this);
}

bool StrayChildren::is_stray(std::int32_t process_id) const noexcept {
  return process_id != guardian_.process_id() && !guardian_.has_group(process_id);
}

bool StrayChildren::is_condemned(std::int32_t session) const noexcept {
  return !has_groups() || ended_sessions_.contains(session);
}

bool StrayChildren::has_groups() const noexcept {
  if (guardian_.groups() != 0) return true;
  // A look that comes late leaves a stray alone for a moment longer.
  return std::ranges::any_of(elsewhere_, [](const std::atomic<std::size_t>* count) {
    return count->load(std::memory_order_relaxed) != 0;
  });
}

/// Reaps the strays that have ended and kills those whose time is over. Those that are left.
std::vector<std::int32_t> StrayChildren::look() noexcept {
  std::vector<std::int32_t> left;
  std::unordered_set<std::int32_t> sessions;
  for (const std::int32_t child : list_children().value_or(std::vector<std::int32_t>{})) {
    if (!is_stray(child) || try_reap(child)) continue;
    left.push_back(child);
    const std::int32_t session = ::getsid(child);
    if (is_condemned(session)) ::kill(child, SIGKILL);
    if (ended_sessions_.contains(session)) sessions.insert(session);
  }
  // Once it is empty, a session's id may become somebody else's.
  ended_sessions_ = std::move(sessions);
  return left;
}

void StrayChildren::end_all_blocking() noexcept {
  const std::uint64_t until_ns = monotonic_now_ns() + kPatienceNs;
  while (!has_groups()) {
    // Only those that were killed: what they leave behind comes to us while they are waited for.
    const std::vector<std::int32_t> killed = look();
    if (killed.empty()) return;
    for (const std::int32_t child : killed) {
      const std::uint64_t now_ns = monotonic_now_ns();
      if (now_ns >= until_ns) return;
      wait_for_process_end(open_process(child), until_ns - now_ns);
    }
  }
}

}  // namespace mcpwire::io
