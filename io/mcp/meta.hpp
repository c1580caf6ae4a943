// SPDX-License-Identifier: MIT
//
// What goes into the `_meta` of a request, as text that is spliced into its line.
// The one decision: keys that belong to the hop (who speaks, in which revision, the progress token)
// are ours on every hop; all others are the caller's and pass as the bytes they are. What is
// constant in a conversation is serialised once, and nothing is parsed for a caller who gave no
// `_meta`.
//
// Threading: a MetaConstants belongs to one conversation on the loop's thread; the rest is pure.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "protocol/mcp/revision.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::io {

/// The members of a request's `_meta`, without braces. Without any there is no `_meta`.
struct RequestMeta {
  std::string_view constant = {};  ///< See MetaConstants.
  std::string_view callers = {};   ///< See caller_members().
  std::optional<std::uint64_t> progress_token = {};

  bool empty() const noexcept {
    return constant.empty() && callers.empty() && !progress_token.has_value();
  }
  /// The room that append_to() needs, at most.
  std::size_t bytes() const noexcept;
  /// Appends `"key":value,...`, all on one line.
  void append_to(std::string& text) const;
};

/// Who mcpwire says it is: a raw object with name and version.
std::string_view client_info_json();

class MetaConstants {
 public:
  explicit MetaConstants(protocol::mcp::Revision revision) noexcept : revision_(revision) {}

  /// What every request of a client with these abilities says: revision, client and capabilities
  /// in a modern conversation, nothing in a legacy one. Valid as long as this object.
  std::string_view members(protocol::mcp::ClientAbilities abilities);

 private:
  protocol::mcp::Revision revision_;
  std::map<std::uint8_t, std::string> members_;  ///< By the abilities' bits: one or two.
};

/// The members of a caller's `_meta` but for those of the hop. Errors: kInvalid where it is not an
/// object.
Result<std::string> caller_members(protocol::json::ValueReader& reader, std::string_view meta);

/// Foreign parameters, taken apart: `params` without `_meta`, and that.
struct SplitParams {
  std::string params;  ///< An object.
  std::string meta;    ///< A raw object, or empty.
};
/// Empty `params` count as {}. Errors: kInvalid where params or _meta is not an object, or where
/// there are two of _meta.
Result<SplitParams> split_meta(protocol::json::ValueReader& reader, std::string_view params);

}  // namespace mcpwire::io
