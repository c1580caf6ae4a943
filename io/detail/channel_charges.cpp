// SPDX-License-Identifier: MIT
#include "io/detail/channel_charges.hpp"

#include <algorithm>

namespace mcpwire::io::detail {

using ring::Resource;

namespace {

/// Below it the number of calls bounds the bytes well enough.
constexpr std::size_t kLargeBytes = 4096;

}  // namespace

ChannelCharges::ChannelCharges(ring::QuotaAccount& account) noexcept
    : calls_(account, Resource::kCalls),
      requests_(account, Resource::kBytes),
      partial_(account, Resource::kBytes),
      received_files_(account, Resource::kDescriptors),
      received_bytes_(account, Resource::kBytes),
      answer_files_(account, Resource::kDescriptors),
      answers_(account, Resource::kAnswerBytes) {}

const char* ChannelCharges::try_begin(std::uint64_t correlation, std::size_t payload_bytes) {
  if (!has_share_for_answers()) return "answers that it has not taken";
  if (!calls_.try_set(calls_.amount() + 1)) return "calls under way";
  if (payload_bytes < kLargeBytes) return nullptr;
  if (!requests_.try_set(requests_.amount() + payload_bytes)) {
    calls_.set(calls_.amount() - 1);
    return "bytes of calls under way";
  }
  large_.push_back({correlation, payload_bytes});
  return nullptr;
}

const char* ChannelCharges::try_hold_received(std::size_t files, std::uint64_t bytes) noexcept {
  const std::uint64_t files_before = received_files_.amount();
  if (!received_files_.try_set(files)) return "memory files";
  if (received_bytes_.try_set(bytes)) return nullptr;
  received_files_.set(files_before);
  return "bytes of memory files";
}

void ChannelCharges::end(std::uint64_t correlation) noexcept {
  calls_.set(calls_.amount() - 1);
  const auto found = std::ranges::find(large_, correlation, &LargeRequest::correlation);
  if (found == large_.end()) return;
  requests_.set(requests_.amount() - found->bytes);
  large_.erase(found);
}

}  // namespace mcpwire::io::detail
