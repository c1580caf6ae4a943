// SPDX-License-Identifier: MIT
//
// Limits: the `limits` object of a server: numbers that replace a default of ours. One table says
// what each is called, what it may be and which kind of server has it; docs/configuration.md says
// what it does.
//
// Threading: values and pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mcpwire::config {

enum class LimitKey : std::uint8_t {
  kLineBytes,
  kQueueBytes,
  kJunkLines,
  kStderrBytes,
  kMessageBytes,
  kHeaderBytes,
  kOpenFiles,
  kAddressSpaceBytes,
  kMemoryBytes,
  kCpuSeconds,
  kProcesses,
};
inline constexpr std::size_t kLimitCount = 11;

enum class LimitUnit : std::uint8_t { kCount, kBytes };
enum class LimitScope : std::uint8_t { kCommand, kUrl, kBoth };

struct LimitFacts {
  LimitKey key;
  std::string_view name;
  LimitUnit unit;
  LimitScope scope;
  std::uint64_t least;
  std::uint64_t most;
};

/// In the order of LimitKey.
std::span<const LimitFacts, kLimitCount> limit_table() noexcept;
/// Null: there is none of that name.
const LimitFacts* find_limit(std::string_view name) noexcept;

class Limits {
 public:
  /// Nothing: the default.
  std::optional<std::uint64_t> get(LimitKey key) const noexcept { return values_[index(key)]; }
  void set(LimitKey key, std::uint64_t value) noexcept { values_[index(key)] = value; }
  bool operator==(const Limits&) const = default;

 private:
  static std::size_t index(LimitKey key) noexcept { return static_cast<std::size_t>(key); }
  std::array<std::optional<std::uint64_t>, kLimitCount> values_{};
};

/// "4096", "512B", "64KiB", "1MiB", "2GiB". ErrorKind::kInvalid with a text that says so.
Result<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace mcpwire::config
