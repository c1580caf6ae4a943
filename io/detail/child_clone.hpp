// SPDX-License-Identifier: MIT
//
// clone_child: starts a program without fork(). The child borrows our memory until it executes
// (CLONE_VM | CLONE_VFORK), so the cost does not grow with the daemon's size (fork copies the page
// tables: 30 ms at 1 GiB), and what failed in it is simply visible here afterwards.
//
// Threading: the calling thread is suspended until the child executes or fails. A child that dies
// with its parent dies with this very thread (PR_SET_PDEATHSIG), so call it on one that lives as
// long as the process.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/seams/process_spawner.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace mcpwire::io::detail {

/// What a guardian reads: a process group's id when it begins, its negative when it has ended.
/// Written in one piece, which a pipe keeps together (PIPE_BUF).
using GuardianRecord = std::int32_t;

/// What setrlimit is told: never above the hard limit that is there.
struct ChildLimit {
  int resource = 0;  ///< RLIMIT_*
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct ChildPlan {
  const char* program = nullptr;       ///< Absolute.
  char* const* arguments = nullptr;    ///< argv, null-terminated.
  char* const* environment = nullptr;  ///< Null-terminated.
  const char* directory = "/";
  int standard_streams[3] = {-1, -1, -1};  ///< Each at least 3.
  /// Where the child registers itself before it executes. -1: nowhere.
  int guardian_fd = -1;
  /// Directory of the cgroup that the child begins in. -1: ours.
  int cgroup_fd = -1;
  std::span<const ChildLimit> limits{};
  /// The child is killed when the calling thread ends.
  bool dies_with_parent = false;
};

/// How far a child came that could not execute its program.
enum class ChildStep : std::uint8_t {
  kExecuted = 0,
  kParentGone,
  kStandardStreams,
  kDirectory,
  kDescriptors,
  kLimits,
  kExecute,
};

/// A started process. It is the leader of its own session and process group. Whatever
/// `failed_step` says, it has to be reaped.
struct ClonedChild {
  std::int32_t process_id = 0;
  UniqueFd pidfd;
  ChildStep failed_step = ChildStep::kExecuted;
  int failed_errno = 0;
  bool is_registered = false;
  bool is_in_cgroup = false;  ///< In that of the plan; not where the kernel refused it.
};

/// Fails only if no process could be made at all.
Result<ClonedChild> clone_child(const ChildPlan& plan);

enum class ReapMode : std::uint8_t { kTry, kWait };

/// Takes the status of a child that has ended; nullopt if it runs (kTry) or was reaped before.
std::optional<ExitStatus> reap_child(int pidfd, ReapMode mode) noexcept;

/// A pipe whose ends are closed on exec and are numbered 3 or higher, so that they can be a
/// child's standard streams whatever our own are. Blocking.
struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
Result<Pipe> create_pipe();

/// `fd`, or a duplicate of it that is numbered 3 or higher.
Result<UniqueFd> above_standard_streams(UniqueFd fd);

}  // namespace mcpwire::io::detail
