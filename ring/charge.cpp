// SPDX-License-Identifier: MIT
#include "ring/charge.hpp"

#include "protocol/base/check.hpp"

namespace mcpwire::ring {

Quota::~Quota() {
  MCPWIRE_CHECK(accounts_ == 0);
  for (const std::uint64_t held : held_) MCPWIRE_CHECK(held == 0);
}

QuotaAccount::~QuotaAccount() {
  for (const std::uint64_t held : held_) MCPWIRE_CHECK(held == 0);
  --quota_.accounts_;
}

bool QuotaAccount::has_share_for(Resource resource, std::uint64_t amount) const noexcept {
  const std::uint64_t limit = quota_.limit(resource);
  const std::uint64_t taken = quota_.held(resource);
  if (taken >= limit) return false;
  const std::uint64_t left = limit - taken;
  // (n + 1) * amount + n * held <= left, where no step can overflow: a step that would is over.
  std::uint64_t for_others = 0;
  std::uint64_t for_us = 0;
  std::uint64_t wanted = 0;
  return !__builtin_mul_overflow(quota_.accounts(), held(resource), &for_others) &&
         !__builtin_mul_overflow(quota_.accounts() + 1, amount, &for_us) &&
         !__builtin_add_overflow(for_others, for_us, &wanted) && wanted <= left;
}

bool QuotaAccount::try_take(Resource resource, std::uint64_t amount) noexcept {
  if (!has_share_for(resource, amount)) {
    ++quota_.refusals_;
    return false;
  }
  take(resource, amount);
  return true;
}

void QuotaAccount::take(Resource resource, std::uint64_t amount) noexcept {
  held_[index_of(resource)] += amount;
  quota_.held_[index_of(resource)] += amount;
}

void QuotaAccount::give_back(Resource resource, std::uint64_t amount) noexcept {
  MCPWIRE_CHECK(held(resource) >= amount);
  held_[index_of(resource)] -= amount;
  quota_.held_[index_of(resource)] -= amount;
}

bool Charge::try_set(std::uint64_t amount) noexcept {
  if (amount > amount_) {
    if (!account_->try_take(resource(), amount - amount_)) return false;
    amount_ = amount & kAmountMask;
    return true;
  }
  set(amount);
  return true;
}

void Charge::set(std::uint64_t amount) noexcept {
  MCPWIRE_CHECK(amount <= kAmountMask);
  if (amount > amount_) {
    account_->take(resource(), amount - amount_);
  } else {
    account_->give_back(resource(), amount_ - amount);
  }
  amount_ = amount & kAmountMask;
}

}  // namespace mcpwire::ring
