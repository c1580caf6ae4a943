// SPDX-License-Identifier: MIT
//
// DaemonTest: the daemon without sockets and processes. Clients, servers, files and time are the
// test's; only the helper thread that reads configurations is a real one, on a loop of its own.
//
// Threading: the test's thread drives both loops by settle().
#pragma once

#include "daemon/services.hpp"
#include "io/helper_thread.hpp"
#include "io/loop.hpp"
#include "tests/daemon/support/test_client.hpp"
#include "tests/pool/fake_transport_factory.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_file_system.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::daemon {

class DaemonTest : public testing::Test {
 protected:
  using TestClient = test_support::TestClient;
  using Answer = test_support::Answer;
  using Server = test_support::FakeTransportFactory::Server;

  static constexpr std::uint64_t kSecond = kNanosecondsPerSecond;
  static constexpr const char* kConfigPath = "/home/u/project/mcp.json";

  DaemonTest();
  void TearDown() override;

  /// Runs everything that can run now, the helper thread's work included.
  void settle();
  /// Moves time and settles.
  void advance(std::uint64_t ns);

  /// Writes the configuration file: each name is a server whose program is /opt/<name>.
  void configure(const std::vector<std::string>& names);
  /// Writes any file as root's, so that no one else can have changed it.
  void write_file(const std::string& path, std::string_view text, std::uint32_t permissions = 0644);

  ConfigurationKey key() const;
  FileIdentity identity_of(const std::string& path);

  /// A client without a configuration.
  TestClient& connect();
  /// A client that means the configuration file as it stands now.
  TestClient& connect_configured(std::uint64_t features = 0);

  /// The answer to a request that needs nothing further from the test.
  Answer ask(TestClient& client, protocol::Method method, std::string_view payload = {});

  /// The identity of the server `name` in the current configuration.
  std::string identity(TestClient& client, std::string_view name);

  test_support::FakeEventLoop loop;
  std::unique_ptr<io::Loop> helper_loop;
  std::unique_ptr<io::HelperThread> helper;
  test_support::FakeFileSystem files;
  test_support::FakeTransportFactory factory{loop};
  pool::ConnectionPool pool{loop, factory, {}};
  parallel::ParallelExecutor executor{loop};
  std::unique_ptr<ConfigurationStore> configurations;
  telemetry::DaemonCounters counters;
  Log log{"/dev/null/none"};
  std::unique_ptr<Services> services;
  int shutdown_requests = 0;
  std::list<TestClient> clients;
};

}  // namespace mcpwire::daemon
