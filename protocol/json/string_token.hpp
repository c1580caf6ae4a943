// SPDX-License-Identifier: MIT
//
// Raw tokens as values: a string's text, a boolean, a number.
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::protocol::json {

/// The text of a string token (quotes included). Surrogate pairs become one character, a lone
/// surrogate escape becomes U+FFFD. The token's UTF-8 must have been validated already; anything
/// else about it is checked. Errors: kInvalid/kMalformedJson if it is no string token.
Result<std::string> decode_string(std::string_view token);

/// `true` or `false`. Errors: kInvalid/kMalformedJson for anything else.
Result<bool> read_bool(std::string_view token);

/// An integer token that fits 64 bits. Errors: kInvalid/kMalformedJson, also for 1.0 and 1e3.
Result<std::int64_t> read_int64(std::string_view token);

/// Any number token, rounded to the nearest double. Errors: kInvalid/kMalformedJson, also where the
/// magnitude leaves the range of a double.
Result<double> read_double(std::string_view token);

}  // namespace mcpwire::protocol::json
