// SPDX-License-Identifier: MIT
//
// OutgoingObserver: sees every message that a transport hands to its server, byte for byte. For
// tests that hold what we say to the schemas of the specification; it costs nothing where there is
// none.
//
// Threading: the loop's thread.
#pragma once

#include <string_view>

namespace mcpwire::io {

class OutgoingObserver {
 public:
  /// One JSON-RPC message, without a newline, right before its first byte is written. Valid during
  /// the call only.
  virtual void on_outgoing(std::string_view message) = 0;

 protected:
  ~OutgoingObserver() = default;
};

}  // namespace mcpwire::io
