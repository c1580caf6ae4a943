// SPDX-License-Identifier: MIT
#include "tools/demo_server/pending_calls.hpp"

#include "protocol/base/seams/clock.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::demo {

bool PendingCalls::add(std::uint64_t due_ns, PendingCall call) {
  if (calls_.size() == kCallsMax) return false;
  calls_.emplace(due_ns, std::move(call));
  return true;
}

void PendingCalls::cancel(std::string_view id) {
  const auto found =
      std::ranges::find_if(calls_, [id](const auto& entry) { return entry.second.id == id; });
  if (found != calls_.end()) calls_.erase(found);
}

std::uint64_t PendingCalls::next_due_ns() const noexcept {
  return calls_.empty() ? kNever : calls_.begin()->first;
}

std::optional<PendingCall> PendingCalls::take_due(std::uint64_t now_ns) {
  if (next_due_ns() > now_ns) return std::nullopt;
  std::optional<PendingCall> call(std::move(calls_.begin()->second));
  calls_.erase(calls_.begin());
  return call;
}

}  // namespace mcpwire::demo
