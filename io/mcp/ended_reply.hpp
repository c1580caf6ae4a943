// SPDX-License-Identifier: MIT
//
// How an exchange of several requests ends when one of them was sent and the whole comes to
// nothing. Threading: pure functions.
#pragma once

#include "io/mcp_transport.hpp"

#include <string>
#include <utility>

namespace mcpwire::io {

/// The server broke the rules: what it has done cannot be told.
inline RpcReply broken_reply(std::string why) {
  return {protocol::Outcome::kUnknown,
          {},
          Error::with_detail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::move(why)),
          true};
}

/// Its caller took it back, or its time or the daemon's ended.
inline RpcReply given_up_reply(const Error& why) {
  const bool is_callers = why.kind == ErrorKind::kCancelled && why.code != ErrorCode::kShuttingDown;
  return {is_callers ? protocol::Outcome::kCancelled : protocol::Outcome::kUnknown, {}, why, true};
}

}  // namespace mcpwire::io
