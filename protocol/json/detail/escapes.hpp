// SPDX-License-Identifier: MIT
//
// check_escapes: every backslash of a text starts a valid escape. One linear scan over the whole
// text instead of one per string: outside strings the walker refuses a backslash anyway, and
// inside them escapes are read from left to right, so both views agree.
#pragma once

#include <string_view>

namespace mcpwire::protocol::json::detail {

/// True if `text` holds only the escapes \" \\ \/ \b \f \n \r \t \uXXXX. Surrogates need not be
/// paired: servers do emit lone ones (a string cut by UTF-16 units), and the text passes through.
bool check_escapes(std::string_view text) noexcept;

}  // namespace mcpwire::protocol::json::detail
