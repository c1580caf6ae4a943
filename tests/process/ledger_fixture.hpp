// SPDX-License-Identifier: MIT
//
// LedgerFixture: a daemon with the demo server, whose tool `ledger` writes each token it is called
// with into a file, and connections of the test's own to that daemon.
//
// Threading: one thread.
#pragma once

#include "tests/process/client_fixture.hpp"

#include <string>
#include <vector>

namespace mcpwire::test {

/// A multiple of what a short test does; from MCPWIRE_SOAK, 1 otherwise.
std::uint64_t soak_factor();

class LedgerFixture : public ClientFixture {
 protected:
  LedgerFixture();

  /// Starts the daemon where none runs, if `auto_start` says so. 0 ring_bytes: no shared memory.
  client::Connection connect(client::AutoStart auto_start, std::uint32_t ring_bytes = 64 * 1024);
  /// Sends a call that writes `token`; its correlation.
  static std::uint64_t start_record(client::Connection& connection, const std::string& token,
                                    std::uint64_t deadline_ns = 0);
  static protocol::Outcome record(client::Connection& connection, const std::string& token);
  std::size_t executions_of(const std::string& token);
  /// Of the daemon, which must be running.
  std::vector<UniqueFd> server_processes(pid_t daemon);
};

}  // namespace mcpwire::test
