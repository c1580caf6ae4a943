// SPDX-License-Identifier: MIT
//
// UnixKind: servers with `"type": "unix", "path": "/where/it/listens"`, for a daemon that is told
// of them (DaemonOptions::kinds).
//
// Threading: holds nothing.
#pragma once

#include "pool/transport_kind.hpp"
#include "tests/io/conformance/unix_transport.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::test {

class UnixKind final : public pool::TransportKind {
 public:
  std::string_view type() const noexcept override { return "unix"; }

  Result<void> check(const pool::PluggedServer& server) const override {
    const std::string* const path = server.find("path");
    if (path != nullptr && path->starts_with('/')) return {};
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
                path == nullptr ? "path is missing" : "path must be absolute");
  }

  std::unique_ptr<io::McpTransport> create_transport(
      const pool::ServerSpec& spec, const pool::TransportSurroundings& around) const override {
    UnixTransportOptions options;
    options.path = *spec.plugged.find("path");
    options.limits = spec.limits;
    options.negotiation.identity = spec.identity;
    options.negotiation.pinned_revision = spec.pinned_revision;
    options.negotiation.pinned_era = spec.pinned_era;
    options.negotiation.verdicts = &around.verdicts;
    return std::make_unique<UnixTransport>(around.loop, around.codec, std::move(options));
  }
};

}  // namespace mcpwire::test
