// SPDX-License-Identifier: MIT
//
// What may stand in an HTTP header, and MCP's way of putting anything else there: a value that is
// not plain becomes "=?base64?" + base64 of its UTF-8 + "?=" (MCP 2026-07-28, Streamable HTTP).
//
// Threading: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace mcpwire::io {

/// A header's name: the token of RFC 9110, section 5.6.2. Not empty.
bool is_header_name(std::string_view name) noexcept;

/// Visible ASCII, and blanks inside: what a header carries as it is.
bool is_plain_header_value(std::string_view value) noexcept;

/// `value` as MCP's headers carry it: as it is where it is plain and does not look like an encoded
/// one, else in base64. Never has a line break in it.
std::string encode_header_value(std::string_view value);

/// One line for HttpRequest::headers. A value that is empty is sent, too.
/// REQUIRES: is_header_name(name); no CR, LF or NUL in `value`.
std::string header_line(std::string_view name, std::string_view value);

/// A session id: visible ASCII, 0x21 to 0x7E, at most 1024 bytes.
bool is_session_id(std::string_view id) noexcept;

}  // namespace mcpwire::io
