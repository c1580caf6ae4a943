// SPDX-License-Identifier: MIT
#include "tools/mcpwire/trace_context.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace mcpwire::cli {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kKeyCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@";
constexpr std::size_t kMembersMax = 32;
constexpr std::size_t kKeyBytesMax = 256;
constexpr std::size_t kValueBytesMax = 256;

/// "vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff"
constexpr std::size_t kParentBytes = 55;
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kSpanAt = 36;
constexpr std::size_t kFlagsAt = 53;

/// Lower case only, as the recommendation has it.
int nibble_of(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool read_hex(std::string_view text, std::span<std::uint8_t> bytes) noexcept {
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    const int high = nibble_of(text[2 * index]);
    const int low = nibble_of(text[2 * index + 1]);
    if (high < 0 || low < 0) return false;
    bytes[index] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

bool is_zero(std::span<const std::uint8_t> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= kKeyBytesMax && kLower.contains(key.front()) &&
         key.find_first_not_of(kKeyCharacters) == key.npos;
}

bool is_value(std::string_view value) noexcept {
  return !value.empty() && value.size() <= kValueBytesMax &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~' && c != '='; });
}

}  // namespace

std::optional<TraceParent> parse_trace_parent(std::string_view text) {
  if (text.size() < kParentBytes) return std::nullopt;
  if (text[2] != '-' || text[kSpanAt - 1] != '-' || text[kFlagsAt - 1] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceParent parent;
  const bool is_hex = read_hex(text, version) && read_hex(text.substr(kTraceAt), parent.trace_id) &&
                      read_hex(text.substr(kSpanAt), parent.parent_span_id) &&
                      read_hex(text.substr(kFlagsAt), flags);
  if (!is_hex || version[0] == 0xff) return std::nullopt;
  const bool has_more = text.size() > kParentBytes;
  if (has_more && (version[0] == 0 || text[kParentBytes] != '-')) return std::nullopt;
  if (is_zero(parent.trace_id) || is_zero(parent.parent_span_id)) return std::nullopt;
  parent.flags = flags[0];
  return parent;
}

bool is_trace_state(std::string_view text) {
  std::vector<std::string_view> keys;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view member = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (member.empty()) continue;  // Allowed.
    const std::size_t equals = member.find('=');
    if (equals == member.npos) return false;
    const std::string_view key = member.substr(0, equals);
    if (!is_key(key) || !is_value(member.substr(equals + 1))) return false;
    if (keys.size() == kMembersMax || std::ranges::find(keys, key) != keys.end()) return false;
    keys.push_back(key);
  }
  return !keys.empty();
}

TraceContext trace_context(const config::EnvironmentMap& environment) {
  const auto parent = parse_trace_parent(config::variable(environment, "TRACEPARENT"));
  if (!parent.has_value()) return {};
  const std::string_view state = config::variable(environment, "TRACESTATE");
  return {*parent, is_trace_state(state) ? std::string(trimmed(state)) : std::string()};
}

}  // namespace mcpwire::cli
