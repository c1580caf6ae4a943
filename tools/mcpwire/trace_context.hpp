// SPDX-License-Identifier: MIT
//
// The caller's W3C trace context, from TRACEPARENT and TRACESTATE as other command line tools read
// them. What does not follow https://www.w3.org/TR/trace-context/ is as good as nothing: a call is
// not refused for it.
//
// Threading: pure functions.
#pragma once

#include "daemon/config/paths.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::cli {

struct TraceParent {
  std::array<std::uint8_t, 16> trace_id{};  ///< Never all zero.
  std::array<std::uint8_t, 8> parent_span_id{};
  std::uint8_t flags = 0;
};

/// Of a version that is not known yet its first four fields count, as the recommendation says.
std::optional<TraceParent> parse_trace_parent(std::string_view text);

/// At most 32 members `key=value` with commas between them, each key once.
bool is_trace_state(std::string_view text);

struct TraceContext {
  TraceParent parent;  ///< Zero: there is none.
  std::string state;   ///< Empty: none, and always without a parent.
};

TraceContext trace_context(const config::EnvironmentMap& environment);

}  // namespace mcpwire::cli
