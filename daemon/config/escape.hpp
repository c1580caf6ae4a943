// SPDX-License-Identifier: MIT
//
// Text that somebody else wrote (a configuration, an MCP server), made safe to show to a person:
// control characters, escape sequences, invisible and direction-changing characters and bytes that
// are no UTF-8 appear as \xNN or \u{N}, everything else as it is.
//
// Threading: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::config {

enum class LineBreaks : std::uint8_t {
  kEscape,  ///< \n and \t are escaped too: for what must stay on one line.
  kKeep,
};

std::string escape_unprintable(std::string_view text, LineBreaks line_breaks);

/// In double quotes, with quotes and backslashes escaped as well: what is shown can be read back in
/// one way only. For decisions of a person (`mcpwire approve`).
std::string quote_exactly(std::string_view text);

/// True if `text` is well-formed UTF-8.
bool is_utf8(std::string_view text) noexcept;

}  // namespace mcpwire::config
