// SPDX-License-Identifier: MIT
//
// PendingCalls: the calls that wait for their time (`sleep`, `progress`), so that none of them
// holds up another request.
#pragma once

#include "tools/demo_server/revision.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::demo {

/// A call between its request and its answer. Owns its texts: the request's line is gone.
struct PendingCall {
  std::string id;
  Revision revision = kNewestLegacy;
  std::string progress_token;     ///< Raw; empty if none was given.
  std::uint64_t interval_ns = 0;  ///< Between two steps.
  std::int64_t steps = 0;         ///< 0 for a sleep.
  std::int64_t steps_done = 0;
};

class PendingCalls {
 public:
  /// Calls at the same time; one more is refused.
  static constexpr std::size_t kCallsMax = 100'000;

  /// False if there are kCallsMax already.
  bool add(std::uint64_t due_ns, PendingCall call);

  /// Forgets the call with this raw id; unknown ids are ignored.
  void cancel(std::string_view id);

  /// When the next call is due; kNever if none waits.
  std::uint64_t next_due_ns() const noexcept;

  /// Takes out the earliest call that is due at `now_ns`, if there is one.
  std::optional<PendingCall> take_due(std::uint64_t now_ns);

 private:
  std::multimap<std::uint64_t, PendingCall> calls_;  ///< By the time they are due.
};

}  // namespace mcpwire::demo
