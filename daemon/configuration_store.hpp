// SPDX-License-Identifier: MIT
//
// ConfigurationStore: the configurations of all clients, parsed and resolved once per version of
// the file and per caller environment. Reading and resolving run on the helper thread; clients
// that ask for the same configuration at the same time share one reading.
//
// Threading: the loop's thread.
// Invariants: a configuration handed out never changes; a newer version is a new object, and
// servers that no configuration names any more are removed from the pool (calls in flight on them
// finish first).
#pragma once

#include "io/cancel.hpp"
#include "io/helper_thread.hpp"
#include "io/one_shot.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "pool/connection_pool.hpp"
#include "pool/server_spec.hpp"
#include "pool/transport_kind.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/file_system.hpp"
#include "protocol/params.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::daemon {

/// One server as a client's configuration names it, or why it cannot be used.
struct ConfiguredServer {
  std::string name;
  Result<pool::ServerSpec> spec;
  std::uint64_t timeout_ns = 0;  ///< 0: the daemon's default.
};

struct ActiveConfiguration {
  FileIdentity identity;
  /// In the file's order; those that could not even be parsed come last.
  std::vector<ConfiguredServer> servers;

  /// kUnknownServer, with the nearest name, if there is none of that name.
  Result<const ConfiguredServer*> find(std::string_view name) const;
};

using ConfigurationPointer = std::shared_ptr<const ActiveConfiguration>;

/// Which configuration a client means. Everything that changes what it resolves to is part of it.
struct ConfigurationKey {
  std::string path;  ///< Absolute.
  protocol::ConfigOrigin origin = protocol::ConfigOrigin::kNone;
  std::string working_directory;  ///< The caller's.
  std::string environment;        ///< NAME=value, each ended by NUL.
  auto operator<=>(const ConfigurationKey&) const = default;
};

/// A client's configuration, and the version of its file that the client saw last.
struct SeenConfiguration {
  ConfigurationKey key;
  FileIdentity version;
  auto operator<=>(const SeenConfiguration&) const = default;
};

using SeenConfigurationPointer = std::shared_ptr<const SeenConfiguration>;

class ConfigurationStore {
 public:
  /// All outlive the store. `kinds` of server are those beside what is built in.
  ConfigurationStore(EventLoop& loop, io::HelperThread& helper, FileSystem& files,
                     pool::ConnectionPool& pool, pool::TransportKinds kinds = {});

  /// The same object for equals: idle clients of one project share path and environment. The store
  /// outlives it.
  SeenConfigurationPointer share(SeenConfiguration seen);

  /// The configuration as it stands, without waiting; null if it has to be read first. Every so
  /// often the file itself is asked.
  ConfigurationPointer try_current(const ConfigurationKey& key, const FileIdentity& seen);

  /// Reads it, or joins a reading under way.
  io::task<Result<ConfigurationPointer>> load(ConfigurationKey key, io::CancelScope& scope);

  /// Gives up what is being read. Ends when the helper thread is done with it.
  io::task<void> stop();

 private:
  struct Slot;

  std::shared_ptr<Slot> ensure_slot(const ConfigurationKey& key);
  io::task<Result<void>> read(std::shared_ptr<Slot> slot, ConfigurationKey key);
  void replace(Slot& slot, ConfigurationPointer configuration);
  /// Makes room, never by dropping `kept` or what is being read.
  void drop_least_recent(const Slot& kept);

  EventLoop& loop_;
  io::HelperThread& helper_;
  FileSystem& files_;
  pool::ConnectionPool& pool_;
  pool::TransportKinds kinds_;
  io::Scope readings_;
  std::map<ConfigurationKey, std::shared_ptr<Slot>> slots_;
  /// Those in use; each is forgotten with its last user.
  std::map<SeenConfiguration, std::weak_ptr<const SeenConfiguration>> shared_;
};

}  // namespace mcpwire::daemon
