// SPDX-License-Identifier: MIT
//
// EpollInterest: an epoll descriptor that several operations may use for one and the same
// descriptor, which the kernel registers once. Edge-triggered.
//
// Threading: the loop's thread.
// Invariants: a descriptor is registered exactly while an operation waits for it, so it may be
// closed, and its number used anew, as soon as the last one is removed.
#pragma once

#include "io/detail/op.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

struct epoll_event;

namespace mcpwire::io::detail {

class EpollInterest {
 public:
  struct Waiter {
    Op* op;
    unsigned events;
  };
  /// Whether what is there already must be reported as well.
  enum class Look : std::uint8_t { kNo, kYes };

  static Result<EpollInterest> create();

  /// `op` waits for these events from here on; again changes nothing. 0 or the errno.
  int add(Op& op, int fd, unsigned events, Look look);
  void remove(Op& op, int fd);
  /// A copy, because what ends leaves the list.
  std::vector<Waiter> waiters_of(int fd) const;

  /// How many of `events` were filled; none if the wait was interrupted.
  std::size_t wait(std::span<epoll_event> events, std::uint64_t timeout_ns);
  std::uint64_t system_calls() const noexcept { return system_calls_; }

 private:
  struct Watched {
    unsigned registered = 0;  ///< Events; 0: not registered.
    std::vector<Waiter> waiters;
  };

  explicit EpollInterest(UniqueFd epoll) noexcept : epoll_(std::move(epoll)) {}
  int change_registration(int fd, Watched& watched, unsigned events);
  int wait_once(std::span<epoll_event> events, std::uint64_t timeout_ns);

  UniqueFd epoll_;
  std::unordered_map<int, Watched> watched_;
  std::uint64_t system_calls_ = 0;
  bool lacks_fine_timeouts_ = false;  ///< No epoll_pwait2.
};

}  // namespace mcpwire::io::detail
