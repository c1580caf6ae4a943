// SPDX-License-Identifier: MIT
#include "io/detail/epoll_interest.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/seams/clock.hpp"

#include <sys/epoll.h>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <utility>

namespace mcpwire::io::detail {
namespace {

int to_milliseconds(std::uint64_t duration_ns) {
  // Rounded up: a timer never fires before its deadline.
  const std::uint64_t whole =
      (duration_ns + kNanosecondsPerMillisecond - 1) / kNanosecondsPerMillisecond;
  return static_cast<int>(std::min<std::uint64_t>(whole, INT_MAX));
}

unsigned wanted_by(const std::vector<EpollInterest::Waiter>& waiters) {
  unsigned wanted = 0;
  for (const EpollInterest::Waiter& waiter : waiters) wanted |= waiter.events;
  return wanted;
}

}  // namespace

Result<EpollInterest> EpollInterest::create() {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail(Error::from_errno(ErrorKind::kInternal, errno, "epoll_create1"));
  return EpollInterest(std::move(epoll));
}

int EpollInterest::add(Op& op, int fd, unsigned events, Look look) {
  Watched& watched = watched_[fd];
  const bool is_new = std::ranges::find(watched.waiters, &op, &Waiter::op) == watched.waiters.end();
  if (is_new) watched.waiters.push_back({&op, events});
  const unsigned wanted = wanted_by(watched.waiters);
  const bool must_look = is_new && look == Look::kYes;
  if (watched.registered == wanted && !must_look) return 0;
  // A change of the registration reports what is there, to all who wait.
  return change_registration(fd, watched, wanted);
}

void EpollInterest::remove(Op& op, int fd) {
  const auto found = watched_.find(fd);
  if (found == watched_.end()) return;
  Watched& watched = found->second;
  if (std::erase_if(watched.waiters, [&](const Waiter& w) { return w.op == &op; }) == 0) return;
  const unsigned wanted = wanted_by(watched.waiters);
  if (wanted != watched.registered) change_registration(fd, watched, wanted);
  if (watched.waiters.empty()) watched_.erase(found);
}

std::vector<EpollInterest::Waiter> EpollInterest::waiters_of(int fd) const {
  const auto found = watched_.find(fd);
  return found == watched_.end() ? std::vector<Waiter>() : found->second.waiters;
}

int EpollInterest::change_registration(int fd, Watched& watched, unsigned events) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.fd = fd;
  int what = watched.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (events == 0) what = EPOLL_CTL_DEL;
  ++system_calls_;
  if (epoll_ctl(epoll_.get(), what, fd, &event) != 0) return errno;
  watched.registered = events;
  return 0;
}

std::size_t EpollInterest::wait(std::span<epoll_event> events, std::uint64_t timeout_ns) {
  const int count = wait_once(events, timeout_ns);
  MCPWIRE_CHECK(count >= 0 || errno == EINTR);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

int EpollInterest::wait_once(std::span<epoll_event> events, std::uint64_t timeout_ns) {
  const auto size = static_cast<int>(events.size());
  ++system_calls_;
  if (timeout_ns == 0 || timeout_ns == kNever) {
    return epoll_wait(epoll_.get(), events.data(), size, timeout_ns == 0 ? 0 : -1);
  }
  if (!lacks_fine_timeouts_) {
    const timespec timeout = {static_cast<time_t>(timeout_ns / kNanosecondsPerSecond),
                              static_cast<long>(timeout_ns % kNanosecondsPerSecond)};
    const int ready = epoll_pwait2(epoll_.get(), events.data(), size, &timeout, nullptr);
    // Profiles that refuse io_uring may be older than this call.
    lacks_fine_timeouts_ = ready < 0 && (errno == ENOSYS || errno == EPERM);
    if (!lacks_fine_timeouts_) return ready;
  }
  return epoll_wait(epoll_.get(), events.data(), size, to_milliseconds(timeout_ns));
}

}  // namespace mcpwire::io::detail
