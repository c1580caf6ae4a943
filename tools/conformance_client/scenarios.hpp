// SPDX-License-Identifier: MIT
//
// What each client scenario of the conformance suite wants done. Only what a program does with
// mcpwire stands here; what goes over the wire is the daemon's affair, and is what the suite
// judges. tests/interop/README.md has the checks of each scenario.
//
// Threading: one thread.
#pragma once

#include "protocol/base/result.hpp"
#include "tools/conformance_client/peer.hpp"
#include "tools/conformance_client/suite.hpp"

namespace mcpwire::conformance {

/// A scenario without a rule of its own is treated as any user would: its tools are listed and each
/// is called.
Result<void> run_scenario(const Suite& suite, Peer& peer);

}  // namespace mcpwire::conformance
