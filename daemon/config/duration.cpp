// SPDX-License-Identifier: MIT
#include "daemon/config/duration.hpp"

#include "protocol/base/seams/clock.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace mcpwire::config {
namespace {

struct Unit {
  std::string_view name;
  double seconds;
};

constexpr std::array<Unit, 7> kUnits = {{
    {"", 1},
    {"ns", 1e-9},
    {"us", 1e-6},
    {"ms", 1e-3},
    {"s", 1},
    {"m", 60},
    {"h", 3600},
}};

Failure not_a_duration() {
  return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified,
              "not a duration: write 5s, 500ms, 2m, 1h or a number of seconds");
}

}  // namespace

Result<std::uint64_t> duration_of_seconds(double seconds) {
  if (!std::isfinite(seconds)) return not_a_duration();
  const double ns = seconds * static_cast<double>(kNanosecondsPerSecond);
  if (ns < 1) {
    return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified, "a duration must be above zero");
  }
  if (seconds > static_cast<double>(kDurationSecondsMax)) {
    return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                "a duration may be at most 24 hours; a number without a unit means seconds");
  }
  return static_cast<std::uint64_t>(std::llround(ns));
}

Result<std::uint64_t> parse_duration(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (fault != std::errc{}) return not_a_duration();
  const std::string_view unit_name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : kUnits) {
    if (unit.name == unit_name) return duration_of_seconds(number * unit.seconds);
  }
  return not_a_duration();
}

std::string format_duration(std::uint64_t ns) {
  constexpr std::array<Unit, 4> kShown = {{{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}}};
  const auto value = static_cast<double>(ns);
  const Unit* unit = &kShown.back();
  for (const Unit& candidate : kShown) {
    if (value >= candidate.seconds) {
      unit = &candidate;
      break;
    }
  }
  const double scaled = value / unit->seconds;
  const int decimals = unit->name == "ns" || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f ", decimals, scaled);
  return std::string(buffer.data()).append(unit->name);
}

}  // namespace mcpwire::config
