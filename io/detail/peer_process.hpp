// SPDX-License-Identifier: MIT
//
// PeerProcess: what all connections of one client process share: its account, and one pidfd that
// tells of its end. PeerProcesses finds it again when the process connects another time.
//
// Threading: the loop's thread.
// Invariants: a process is known from its first connection to the destruction of its last one, or
//   to its end: a later process with the same number is another one.
#pragma once

#include "io/fd_watcher.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/charge.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

namespace mcpwire::io::detail {

class PeerProcesses;

class PeerProcess final : public std::enable_shared_from_this<PeerProcess>,
                          private FdWatcher::Observer {
 public:
  /// One connection, and what it holds of its process's share as long as it lives: its place, and
  /// what its HELLO said.
  class Member : public ListNode {
   public:
    virtual void on_process_ended() = 0;
    /// Looks whether the client has taken what was sent to it.
    virtual void settle_answers() = 0;
    PeerProcess& process() const noexcept { return *process_; }
    /// Once. False: the process has no share of so many bytes.
    [[nodiscard]] bool try_hold_hello(std::uint32_t bytes) noexcept;

   protected:
    /// `place` is charged to the process.
    Member(std::shared_ptr<PeerProcess> process, ring::Charge place) noexcept;
    ~Member();

   private:
    std::shared_ptr<PeerProcess> process_;
    std::uint32_t hello_bytes_ = 0;
  };

  PeerProcess(PeerProcesses& known, Loop& loop, ring::Quota& quota, std::int32_t pid,
              UniqueFd pidfd);
  ~PeerProcess();

  void join(Member& member) { members_.push_back(member); }
  ring::QuotaAccount& account() noexcept { return account_; }
  /// Takes off the account what the process has taken meanwhile. Looks at each connection, but once
  /// in a turn of the loop.
  void settle_answers(std::uint64_t now_ns) noexcept {
    if (std::exchange(settled_ns_, now_ns) == now_ns) return;
    members_.for_each([](Member& member) { member.settle_answers(); });
  }
  std::int32_t pid() const noexcept { return pid_; }
  bool has_ended() const noexcept;
  /// True the first time: what a process is refused again and again is logged once.
  bool is_first_refusal() noexcept { return !std::exchange(was_refused_, true); }

 private:
  void on_ready(unsigned events) override;

  PeerProcesses& known_;
  ring::QuotaAccount account_;
  UniqueFd pidfd_;
  FdWatcher end_watcher_;
  IntrusiveList<Member> members_;
  std::uint64_t settled_ns_ = 0;
  std::int32_t pid_;
  bool was_refused_ = false;
};

class PeerProcesses {
 public:
  PeerProcesses(Loop& loop, const ring::ResourceAmounts& limits) : loop_(loop), quota_(limits) {}

  /// The process at the other end of a connected socket.
  Result<std::shared_ptr<PeerProcess>> find(int socket_fd);
  const ring::Quota& quota() const noexcept { return quota_; }

 private:
  friend class PeerProcess;
  void forget(const PeerProcess& process) noexcept;

  Loop& loop_;
  ring::Quota quota_;
  std::unordered_map<std::int32_t, PeerProcess*> known_;
};

}  // namespace mcpwire::io::detail
