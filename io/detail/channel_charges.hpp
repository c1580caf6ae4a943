// SPDX-License-Identifier: MIT
//
// ChannelCharges: what one connection takes of its process's share. Not five ring::Charges, each of
// which names its account: ten thousand idle connections hold one of these each.
// Threading: the loop's thread.
// Invariants: what is held is given back once, by the object that was not moved from.
#pragma once

#include "io/detail/peer_process.hpp"
#include "ring/charge.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace mcpwire::io::detail {

class ChannelCharges {
 public:
  explicit ChannelCharges(std::shared_ptr<PeerProcess> process) noexcept
      : process_(std::move(process)) {}
  ChannelCharges(ChannelCharges&& other) noexcept
      : process_(std::move(other.process_)),
        held_(std::exchange(other.held_, {})),
        pending_bytes_(std::exchange(other.pending_bytes_, 0)),
        partial_bytes_(std::exchange(other.partial_bytes_, 0)),
        large_(std::move(other.large_)) {}
  ChannelCharges& operator=(ChannelCharges&&) = delete;
  ~ChannelCharges() {
    for (std::size_t index = 0; index < ring::kResources; ++index) {
      if (held_[index] != 0) set(static_cast<Resource>(index), 0);
    }
  }

  PeerProcess& process() noexcept { return *process_; }
  const PeerProcess& process() const noexcept { return *process_; }

  [[nodiscard]] bool try_connect() noexcept {
    return try_set(Resource::kConnections, 1) && try_set(Resource::kHandshakes, 1);
  }
  void end_handshake() noexcept { set(Resource::kHandshakes, 0); }

  /// A request and its payload, until it is answered.
  [[nodiscard]] bool try_begin(std::uint64_t correlation, std::size_t payload_bytes) {
    if (!try_set(Resource::kCalls, amount(Resource::kCalls) + 1)) return false;
    if (payload_bytes < kLargeBytes) return true;
    if (!try_take_bytes(payload_bytes)) {
      set(Resource::kCalls, amount(Resource::kCalls) - 1);
      return false;
    }
    if (large_ == nullptr) large_ = std::make_unique<std::vector<LargeRequest>>();
    large_->push_back({correlation, payload_bytes});
    return true;
  }
  void end(std::uint64_t correlation) noexcept {
    set(Resource::kCalls, amount(Resource::kCalls) - 1);
    if (large_ == nullptr) return;
    const auto found = std::ranges::find(*large_, correlation, &LargeRequest::correlation);
    if (found == large_->end()) return;
    give_back_bytes(found->bytes);
    large_->erase(found);
    if (large_->empty()) large_.reset();  // An idle channel keeps no memory.
  }

  [[nodiscard]] bool try_take_bytes(std::uint64_t bytes) noexcept {
    return try_set(Resource::kBytes, amount(Resource::kBytes) + bytes);
  }
  void give_back_bytes(std::uint64_t bytes) noexcept {
    set(Resource::kBytes, amount(Resource::kBytes) - bytes);
  }

  /// Memory files that wait for their record.
  [[nodiscard]] bool try_hold_files(std::size_t count) noexcept {
    return try_set(Resource::kDescriptors, count);
  }

  /// Pieces of a message whose last one has not come yet.
  [[nodiscard]] bool try_hold_partial(std::size_t bytes) noexcept {
    if (!try_set(Resource::kBytes, amount(Resource::kBytes) - partial_bytes_ + bytes)) return false;
    partial_bytes_ = bytes;
    return true;
  }

  /// Of messages that the client does not take. They cannot be refused any more.
  void hold_pending(std::size_t bytes) noexcept {
    if (bytes == pending_bytes_) return;
    set(Resource::kBytes, amount(Resource::kBytes) - pending_bytes_ + bytes);
    pending_bytes_ = bytes;
  }
  /// True if the process holds so much that no further request of this channel is to be taken.
  bool is_over_share() const noexcept {
    return pending_bytes_ != 0 && !process_->account().has_share_for(Resource::kBytes, 1);
  }

 private:
  using Resource = ring::Resource;
  /// Below it the number of calls bounds the bytes well enough.
  static constexpr std::size_t kLargeBytes = 4096;
  struct LargeRequest {
    std::uint64_t correlation;
    std::size_t bytes;
  };

  std::uint64_t amount(Resource resource) const noexcept { return held_[ring::index_of(resource)]; }
  /// Makes it so much. False: it is as it was. Less is never refused.
  [[nodiscard]] bool try_set(Resource resource, std::uint64_t wanted) noexcept {
    const std::uint64_t held = amount(resource);
    if (wanted > held && !process_->account().try_take(resource, wanted - held)) return false;
    if (wanted < held) process_->account().give_back(resource, held - wanted);
    held_[ring::index_of(resource)] = wanted;
    return true;
  }
  void set(Resource resource, std::uint64_t wanted) noexcept {
    const std::uint64_t held = amount(resource);
    if (wanted > held) process_->account().take(resource, wanted - held);
    if (wanted < held) process_->account().give_back(resource, held - wanted);
    held_[ring::index_of(resource)] = wanted;
  }

  std::shared_ptr<PeerProcess> process_;
  ring::ResourceAmounts held_{};
  std::uint64_t pending_bytes_ = 0;
  std::uint64_t partial_bytes_ = 0;
  std::unique_ptr<std::vector<LargeRequest>> large_;
};

}  // namespace mcpwire::io::detail
