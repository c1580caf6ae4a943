// SPDX-License-Identifier: MIT
//
// ChannelCharges: what one connection takes of its process's share.
// Threading: the loop's thread.
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
  explicit ChannelCharges(std::shared_ptr<PeerProcess> process)
      : process_(std::move(process)),
        connection_(process_->account(), ring::Resource::kConnections),
        handshake_(process_->account(), ring::Resource::kHandshakes),
        calls_(process_->account(), ring::Resource::kCalls),
        descriptors_(process_->account(), ring::Resource::kDescriptors),
        bytes_(process_->account(), ring::Resource::kBytes) {}

  PeerProcess& process() noexcept { return *process_; }
  const PeerProcess& process() const noexcept { return *process_; }

  [[nodiscard]] bool try_connect() noexcept {
    return connection_.try_set(1) && handshake_.try_set(1);
  }
  void end_handshake() noexcept { handshake_.release(); }

  /// A request and its payload, until it is answered.
  [[nodiscard]] bool try_begin(std::uint64_t correlation, std::size_t payload_bytes) {
    if (!calls_.try_set(calls_.amount() + 1)) return false;
    if (payload_bytes < kLargeBytes) return true;
    if (!bytes_.try_set(bytes_.amount() + payload_bytes)) {
      calls_.set(calls_.amount() - 1);
      return false;
    }
    large_.push_back({correlation, payload_bytes});
    return true;
  }
  void end(std::uint64_t correlation) noexcept {
    calls_.set(calls_.amount() - 1);
    const auto found = std::ranges::find(large_, correlation, &LargeRequest::correlation);
    if (found == large_.end()) return;
    bytes_.set(bytes_.amount() - found->bytes);
    large_.erase(found);
    if (large_.empty()) large_ = std::vector<LargeRequest>();  // An idle channel keeps no memory.
  }

  [[nodiscard]] bool try_take_bytes(std::uint64_t bytes) noexcept {
    return bytes_.try_set(bytes_.amount() + bytes);
  }
  void give_back_bytes(std::uint64_t bytes) noexcept { bytes_.set(bytes_.amount() - bytes); }

  /// Memory files that wait for their record.
  [[nodiscard]] bool try_hold_files(std::size_t count) noexcept {
    return descriptors_.try_set(count);
  }

  /// Pieces of a message whose last one has not come yet.
  [[nodiscard]] bool try_hold_partial(std::size_t bytes) noexcept {
    if (!bytes_.try_set(bytes_.amount() - partial_bytes_ + bytes)) return false;
    partial_bytes_ = bytes;
    return true;
  }

  /// Of messages that the client does not take. They cannot be refused any more.
  void hold_pending(std::size_t bytes) noexcept {
    if (bytes == pending_bytes_) return;
    bytes_.set(bytes_.amount() - pending_bytes_ + bytes);
    pending_bytes_ = bytes;
  }
  /// True if the process holds so much that no further request of this channel is to be taken.
  bool is_over_share() const noexcept {
    return pending_bytes_ != 0 && !process_->account().has_share_for(ring::Resource::kBytes, 1);
  }

 private:
  /// Below it the number of calls bounds the bytes well enough.
  static constexpr std::size_t kLargeBytes = 4096;
  struct LargeRequest {
    std::uint64_t correlation;
    std::size_t bytes;
  };

  std::shared_ptr<PeerProcess> process_;
  ring::Charge connection_;
  ring::Charge handshake_;
  ring::Charge calls_;
  ring::Charge descriptors_;
  ring::Charge bytes_;
  std::uint64_t pending_bytes_ = 0;
  std::uint64_t partial_bytes_ = 0;
  std::vector<LargeRequest> large_;
};

}  // namespace mcpwire::io::detail
