// SPDX-License-Identifier: MIT
//
// What a link says of a daemon that broke the protocol: each violation names the rule.
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"

#include <memory>
#include <string>
#include <utility>

namespace mcpwire::client::detail {

inline constexpr const char* kImpossiblePosition = "impossible consumer position";

inline Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

/// `error`, with a text where it has none and is a violation.
inline Error with_reason(Error error, const char* what) {
  if (error.code == ErrorCode::kProtocolViolation && error.detail == nullptr) {
    error.detail = std::make_shared<const std::string>(what);
  }
  return error;
}

}  // namespace mcpwire::client::detail
