// SPDX-License-Identifier: MIT
//
// Interests: what somebody wants to hear of a server, as `subscriptions/listen` says it. The same
// words serve for servers of both eras.
//
// Threading: values and pure functions.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace mcpwire::daemon {

/// Resources of one subscription at most.
inline constexpr std::size_t kInterestUrisMax = 1024;

struct Interests {
  bool tools = false;  ///< That the list changed; likewise the next two.
  bool prompts = false;
  bool resources = false;
  std::set<std::string> uris;  ///< Raw string tokens.

  bool is_empty() const noexcept { return !tools && !prompts && !resources && uris.empty(); }
  /// True for a list_changed notification that is wanted.
  bool wants_list(std::string_view method) const noexcept;
  /// True if `uri`, a raw token, is one of ours or lies below one.
  bool wants_uri(std::string_view uri) const;
};

/// Of the params of subscriptions/listen. kInvalid: malformed, or nothing to listen to.
Result<Interests> read_interests(protocol::json::ValueReader& reader, std::string_view params);

/// What the server's capabilities allow of `wanted`.
Interests offered(protocol::json::ValueReader& reader, std::string_view capabilities,
                  const Interests& wanted);

/// {"notifications":{...}}
std::string listen_params(const Interests& interests);

}  // namespace mcpwire::daemon
