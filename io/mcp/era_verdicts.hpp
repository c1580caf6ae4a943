// SPDX-License-Identifier: MIT
//
// EraVerdicts: what earlier conversations found out about servers, so that a server is not probed
// at each start. Real one: daemon/era_verdicts.hpp; without one everything is probed.
//
// Threading: the loop's thread; nothing here waits.
#pragma once

#include "protocol/mcp/revision.hpp"

#include <optional>
#include <string_view>

namespace mcpwire::io {

struct EraVerdict {
  protocol::mcp::Era era = protocol::mcp::Era::kLegacy;
  /// Legacy, over HTTP: a GET stream and an endpoint, as before Streamable HTTP.
  bool is_http_sse = false;
  bool operator==(const EraVerdict&) const = default;
};

class EraVerdicts {
 public:
  virtual ~EraVerdicts() = default;
  /// Nothing for a server that was never seen, or whose verdict is too old: a server that was
  /// updated still answers `initialize`, so a legacy verdict never proves itself wrong.
  virtual std::optional<EraVerdict> find(std::string_view identity) = 0;
  virtual void keep(std::string_view identity, EraVerdict verdict) = 0;
  virtual void forget(std::string_view identity) = 0;
};

}  // namespace mcpwire::io
