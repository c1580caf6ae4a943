// SPDX-License-Identifier: MIT
//
// ProcessWatch: waiting for the end of a process that is no child of ours.
//
// Threading: a value of one thread.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstdint>

namespace mcpwire::cli {

class ProcessWatch {
 public:
  /// Open it while the process is known to live: afterwards its number may be another's.
  static Result<ProcessWatch> open(std::int32_t process_id);

  /// kTimeout at `deadline_ns` (CLOCK_MONOTONIC); kCancelled when `interrupt_fd` (-1: none) becomes
  /// readable.
  Result<void> wait(std::uint64_t deadline_ns, int interrupt_fd) const;

 private:
  explicit ProcessWatch(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace mcpwire::cli
