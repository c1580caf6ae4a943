// SPDX-License-Identifier: MIT
//
// check_plainly: the full rules of ValueReader::validate() without an index, whose four bytes for
// each token are too many where a text has hundreds of megabytes. Slower, byte by byte: for texts
// over StructuralIndex::kKeptBytesMax, and away from the loop.
//
// Threading: a pure function; it allocates nothing.
#pragma once

#include "protocol/json/fault.hpp"

#include <string_view>

namespace mcpwire::protocol::json::detail {

/// `text` is exactly one value, whitespace around it allowed. Which fault is told of a text with
/// several may differ from what the index finds first; whether there is one does not.
JsonFault check_plainly(std::string_view text) noexcept;

}  // namespace mcpwire::protocol::json::detail
