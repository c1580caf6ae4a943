// SPDX-License-Identifier: MIT
//
// Quota, QuotaAccount and Charge: who holds how much of what is limited. A Quota is the whole that
// is shared; an account is one peer process with all its connections; a charge is what one thing
// takes of it, and is given back when the thing goes.
//
// The share rule (dbus-broker's): among n accounts a new charge is taken only if
// (n + 1) * (held + charge) - held <= left, so that whoever comes next finds a share as large. One
// account alone can take half of the whole, and n equal ones half of it together.
//
// Threading: one thread.
// Invariants: what is charged is released exactly once; accounts outlive their charges, the quota
//   its accounts, and both check in their destructors that nothing is held any more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace mcpwire::ring {

enum class Resource : std::uint8_t {
  kBytes,        ///< Rings, HELLOs, requests until they are answered, files that wait for one.
  kDescriptors,  ///< Memory files, received ones and those on their way.
  kCalls,
  kConnections,
  kHandshakes,
  kAnswerBytes,  ///< Answers that their client has not taken.
  kSlabBytes,    ///< Slabs, in use and kept for the next answer.
};
inline constexpr std::size_t kResources = 7;

using ResourceAmounts = std::array<std::uint64_t, kResources>;
constexpr std::size_t index_of(Resource resource) noexcept {
  return static_cast<std::size_t>(resource);
}

class Quota {
 public:
  explicit Quota(const ResourceAmounts& limits) noexcept : limits_(limits) {}
  ~Quota();
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  std::uint64_t limit(Resource resource) const noexcept { return limits_[index_of(resource)]; }
  std::uint64_t held(Resource resource) const noexcept { return held_[index_of(resource)]; }
  std::uint64_t accounts() const noexcept { return accounts_; }
  /// Charges that were refused since the start.
  std::uint64_t refusals() const noexcept { return refusals_; }

 private:
  friend class QuotaAccount;
  ResourceAmounts limits_;
  ResourceAmounts held_{};
  std::uint64_t accounts_ = 0;
  std::uint64_t refusals_ = 0;
};

class QuotaAccount {
 public:
  explicit QuotaAccount(Quota& quota) noexcept : quota_(quota) { ++quota_.accounts_; }
  ~QuotaAccount();
  QuotaAccount(const QuotaAccount&) = delete;
  QuotaAccount& operator=(const QuotaAccount&) = delete;

  std::uint64_t held(Resource resource) const noexcept { return held_[index_of(resource)]; }
  /// False, and counted, if it is more than the account's share.
  [[nodiscard]] bool try_take(Resource resource, std::uint64_t amount) noexcept;
  /// For what cannot be refused any more. It counts against what comes after it.
  void take(Resource resource, std::uint64_t amount) noexcept;
  void give_back(Resource resource, std::uint64_t amount) noexcept;
  Quota& quota() const noexcept { return quota_; }

  /// Whether so much more would be taken now. Counts nothing.
  bool has_share_for(Resource resource, std::uint64_t amount) const noexcept;

 private:
  Quota& quota_;
  ResourceAmounts held_{};
};

/// What one thing holds of one resource; it may grow and shrink while the thing lives.
class Charge {
 public:
  Charge(QuotaAccount& account, Resource resource) noexcept
      : account_(&account), amount_(0), resource_(static_cast<std::uint64_t>(resource)) {}
  Charge(Charge&& other) noexcept
      : account_(other.account_), amount_(other.amount_), resource_(other.resource_) {
    other.amount_ = 0;
  }
  Charge& operator=(Charge&& other) noexcept {
    Charge moved(std::move(other));
    release();
    account_ = moved.account_;
    amount_ = moved.amount_;
    resource_ = moved.resource_;
    moved.amount_ = 0;
    return *this;
  }
  ~Charge() { release(); }

  QuotaAccount& account() const noexcept { return *account_; }
  std::uint64_t amount() const noexcept { return amount_; }
  /// Makes it so much. False: it is as it was. Less is never refused.
  [[nodiscard]] bool try_set(std::uint64_t amount) noexcept;
  void set(std::uint64_t amount) noexcept;
  void release() noexcept { set(0); }
  /// Leaves it with the account, to whoever keeps the book of it from here on.
  void leave() noexcept { amount_ = 0; }

 private:
  static constexpr std::uint64_t kAmountMask = (std::uint64_t{1} << 56) - 1;
  Resource resource() const noexcept { return static_cast<Resource>(resource_); }

  QuotaAccount* account_;
  // One word: ten thousand idle connections hold one each.
  std::uint64_t amount_ : 56;
  std::uint64_t resource_ : 8;
};

}  // namespace mcpwire::ring
