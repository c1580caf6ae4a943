// SPDX-License-Identifier: MIT
//
// ClientFixture: DaemonFixture for tests that embed the client library beside the command.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "tests/process/daemon_fixture.hpp"

namespace mcpwire::test {

class ClientFixture : public DaemonFixture {
 protected:
  /// For this test's daemon and configuration.
  client::ConnectOptions connect_options() {
    client::ConnectOptions options;
    options.runtime_directory = run_directory();
    options.daemon_program = program("mcpwired");
    options.config = client::ConfigReference{environment["MCPWIRE_CONFIG"]};
    options.working_directory = work();
    return options;
  }
};

}  // namespace mcpwire::test
