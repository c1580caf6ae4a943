// SPDX-License-Identifier: MIT
//
// mcpwire-conformance-client URL: mcpwire as the client under test of the conformance suite of MCP
// (`conformance client --command mcpwire-conformance-client`). Does what MCP_CONFORMANCE_SCENARIO
// names, with a daemon of its own that is gone at the end. Exit: 0 done, 1 not.
#include "tools/conformance_client/peer.hpp"
#include "tools/conformance_client/scenarios.hpp"
#include "tools/conformance_client/suite.hpp"
#include "tools/mcpwire/interrupt.hpp"

#include <cstdio>
#include <exception>
#include <string>

namespace mcpwire::conformance {
namespace {

Result<void> run(const std::string& url) {
  const Suite suite = TRY(suite_of_environment());
  const cli::Interrupt interrupt;
  Peer peer = TRY(Peer::create(url, interrupt.fd()));
  return run_scenario(suite, peer);
}

/// nlohmann-json throws where a member is missing or of another type.
Result<void> run_without_exceptions(const std::string& url) try {
  return run(url);
} catch (const std::exception& exception) {
  return fail(ErrorKind::kInvalid, ErrorCode::kPeerError, exception.what());
}

}  // namespace
}  // namespace mcpwire::conformance

int main(int count, char** arguments) {
  if (count != 2 || arguments[1][0] == '-') {
    std::fprintf(stderr, "usage: mcpwire-conformance-client URL\n");
    return 1;
  }
  const auto done = mcpwire::conformance::run_without_exceptions(arguments[1]);
  if (done.has_value()) return 0;
  std::fprintf(stderr, "mcpwire-conformance-client: %s\n", done.error().message().c_str());
  return 1;
}
