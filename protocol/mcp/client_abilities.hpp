// SPDX-License-Identifier: MIT
//
// ClientAbilities: what a client can do when a server asks back, as bits. A modern request declares
// those of its own client; the legacy handshake declares what mcpwire can hand on to some client.
//
// Threading: values and pure functions.
#pragma once

#include "protocol/mcp/revision.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace mcpwire::protocol::mcp {

enum class ClientAbility : std::uint8_t {
  kSampling = 1 << 0,
  kSamplingTools = 1 << 1,  ///< Sampling with tools; implies kSampling.
  kElicitationForm = 1 << 2,
  kElicitationUrl = 1 << 3,
  kRoots = 1 << 4,
  kTasks = 1 << 5,  ///< Takes a task in place of a result, and drives it to its end.
};

class ClientAbilities {
 public:
  static constexpr std::size_t kCombinations = 1 << 6;

  constexpr ClientAbilities() noexcept = default;
  // Implicit: one ability is a set of abilities.
  constexpr ClientAbilities(ClientAbility ability) noexcept
      : bits_(static_cast<std::uint8_t>(ability)) {}
  /// Unknown bits are dropped: a newer client may know more.
  static constexpr ClientAbilities from_bits(std::uint32_t bits) noexcept {
    ClientAbilities abilities;
    abilities.bits_ = static_cast<std::uint8_t>(bits & (kCombinations - 1));
    return abilities;
  }
  static constexpr ClientAbilities all() noexcept { return from_bits(kCombinations - 1); }

  constexpr bool has(ClientAbility ability) const noexcept {
    return (bits_ & static_cast<std::uint8_t>(ability)) != 0;
  }
  constexpr std::uint8_t bits() const noexcept { return bits_; }
  friend constexpr ClientAbilities operator|(ClientAbilities a, ClientAbilities b) noexcept {
    return from_bits(std::uint32_t{a.bits_} | b.bits_);
  }
  friend constexpr bool operator==(ClientAbilities, ClientAbilities) noexcept = default;

 private:
  std::uint8_t bits_ = 0;
};

constexpr ClientAbilities operator|(ClientAbility a, ClientAbility b) noexcept {
  return ClientAbilities(a) | ClientAbilities(b);
}

/// The abilities as the JSON object `ClientCapabilities` of that revision, without what it has no
/// word for. Never empty: {} at least.
std::string client_capabilities_json(ClientAbilities abilities, Revision revision);

}  // namespace mcpwire::protocol::mcp
