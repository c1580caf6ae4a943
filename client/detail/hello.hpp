// SPDX-License-Identifier: MIT
//
// The client's half of the handshake, as payloads; the socket work is in client/detail/link.
// Threading: values.
#pragma once

#include "client/types.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <string>

namespace mcpwire::client::detail {

/// The HELLO payload; fits one socket message. Reads the configuration file and the environment.
Result<std::string> build_hello(const ConnectOptions& options);

/// `wished_ring_bytes`: what our HELLO said; the daemon takes exactly that or none.
Result<Agreement> parse_hello_reply(ByteSpan payload, std::uint32_t wished_ring_bytes);

/// A HelloRefusal as the error it stands for, with the daemon's words. An older daemon's, which
/// gives no reason, is kVersionMismatch.
Error refusal_error(ByteSpan payload);

}  // namespace mcpwire::client::detail
