// SPDX-License-Identifier: MIT
#include "daemon/configuration_store.hpp"

#include "daemon/config/nearest_name.hpp"
#include "daemon/configuration_loader.hpp"
#include "protocol/base/seams/clock.hpp"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

namespace mcpwire::daemon {
namespace {

// Configurations kept parsed. More than a person has projects open; the least used goes first.
constexpr std::size_t kSlotsMax = 64;

// How long an embedding program may go on with what it saw before the file is asked again. A CLI
// command tells the file's version when it connects and never waits for this.
constexpr std::uint64_t kRecheckNs = 100 * kNanosecondsPerMillisecond;

// What the file's identity does not cover: an approval is given in another file, and a command that
// was not found may have been installed since.
bool depends_on_more_than_the_file(const ConfiguredServer& server) {
  if (server.spec.has_value()) return false;
  const ErrorCode why = server.spec.error().code;
  return why == ErrorCode::kConfigUnapproved || why == ErrorCode::kCommandNotFound;
}

}  // namespace

struct ConfigurationStore::Slot {
  struct Waiter : ListNode {
    explicit Waiter(EventLoop& loop) noexcept : shot(loop) {}
    io::OneShot<ConfigurationPointer> shot;
  };
  ConfigurationPointer configuration;
  bool is_read_each_time = false;  ///< See depends_on_more_than_the_file().
  std::uint64_t checked_ns = 0;
  std::uint64_t used_ns = 0;
  bool is_reading = false;
  IntrusiveList<Waiter> waiters;
};

Result<const ConfiguredServer*> ActiveConfiguration::find(std::string_view name) const {
  for (const ConfiguredServer& server : servers) {
    if (server.name == name) return &server;
  }
  std::vector<std::string> names;
  for (const ConfiguredServer& server : servers) names.push_back(server.name);
  return fail(ErrorKind::kNotFound, ErrorCode::kUnknownServer,
              config::unknown_name_text("server", name, names));
}

ConfigurationStore::ConfigurationStore(EventLoop& loop, io::HelperThread& helper, FileSystem& files,
                                       pool::ConnectionPool& pool, pool::TransportKinds kinds)
    : loop_(loop), helper_(helper), files_(files), pool_(pool), kinds_(kinds), readings_(loop) {}

SeenConfigurationPointer ConfigurationStore::share(SeenConfiguration seen) {
  const auto entry = shared_.try_emplace(std::move(seen)).first;
  if (SeenConfigurationPointer shared = entry->second.lock()) return shared;
  const auto forget = [this, entry](const SeenConfiguration*) { shared_.erase(entry); };
  SeenConfigurationPointer shared(&entry->first, forget);
  entry->second = shared;
  return shared;
}

ConfigurationPointer ConfigurationStore::try_current(const ConfigurationKey& key,
                                                     const FileIdentity& seen) {
  const auto found = slots_.find(key);
  if (found == slots_.end() || found->second->configuration == nullptr) return nullptr;
  Slot& slot = *found->second;
  slot.used_ns = loop_.now_ns();
  if (slot.is_read_each_time || slot.configuration->identity != seen) return nullptr;
  if (loop_.now_ns() - slot.checked_ns >= kRecheckNs) {
    // One stat of a file that is in the kernel's cache: about a microsecond, ten times a second.
    const Result<FileStatus> status = files_.status(key.path);
    if (!status.has_value() || status->identity != slot.configuration->identity) return nullptr;
    slot.checked_ns = loop_.now_ns();
  }
  return slot.configuration;
}

io::task<Result<ConfigurationPointer>> ConfigurationStore::load(ConfigurationKey key,
                                                                io::CancelScope& scope) {
  const std::shared_ptr<Slot> slot = ensure_slot(key);
  Slot::Waiter waiter(loop_);
  slot->waiters.push_back(waiter);
  if (!slot->is_reading) {
    slot->is_reading = true;
    readings_.spawn(read(slot, std::move(key)));
  }
  Result<ConfigurationPointer> loaded = co_await waiter.shot.wait(scope);
  co_return std::move(loaded);
}

io::task<void> ConfigurationStore::stop() {
  readings_.cancel_scope().cancel(io::CancelCause::kShutdown);
  [[maybe_unused]] const Result<void> joined = co_await readings_.join();
}

std::shared_ptr<ConfigurationStore::Slot> ConfigurationStore::ensure_slot(
    const ConfigurationKey& key) {
  std::shared_ptr<Slot>& slot = slots_[key];
  if (slot == nullptr) slot = std::make_shared<Slot>();
  slot->used_ns = loop_.now_ns();
  std::shared_ptr<Slot> ensured = slot;
  if (slots_.size() > kSlotsMax) drop_least_recent(*ensured);
  return ensured;
}

io::task<Result<void>> ConfigurationStore::read(std::shared_ptr<Slot> slot, ConfigurationKey key) {
  FileSystem* files = &files_;
  auto work = [files, kinds = kinds_, key = std::move(key)] {
    return load_active_configuration(*files, key, ::geteuid(), kinds);
  };
  Result<ActiveConfiguration> loaded =
      co_await helper_.run(readings_.cancel_scope(), std::move(work));
  slot->is_reading = false;
  Result<ConfigurationPointer> result = fail(ErrorKind::kInternal, ErrorCode::kUnspecified);
  if (loaded.has_value()) {
    replace(*slot, std::make_shared<const ActiveConfiguration>(*std::move(loaded)));
    result = slot->configuration;
  } else {
    result = fail(std::move(loaded).error());
  }
  while (Slot::Waiter* waiter = slot->waiters.pop_front()) waiter->shot.resolve(result);
  co_return Result<void>{};
}

void ConfigurationStore::replace(Slot& slot, ConfigurationPointer configuration) {
  const ConfigurationPointer previous = std::exchange(slot.configuration, std::move(configuration));
  slot.is_read_each_time =
      std::ranges::any_of(slot.configuration->servers, depends_on_more_than_the_file);
  slot.checked_ns = loop_.now_ns();
  if (previous == nullptr) return;
  std::set<std::string_view> named;
  for (const auto& [key, other] : slots_) {
    if (other->configuration == nullptr) continue;
    for (const ConfiguredServer& server : other->configuration->servers) {
      if (server.spec.has_value()) named.insert(server.spec->identity);
    }
  }
  for (const ConfiguredServer& server : previous->servers) {
    if (server.spec.has_value() && !named.contains(server.spec->identity)) {
      pool_.remove(server.spec->identity);
    }
  }
}

void ConfigurationStore::drop_least_recent(const Slot& kept) {
  auto least = slots_.end();
  for (auto slot = slots_.begin(); slot != slots_.end(); ++slot) {
    if (slot->second->is_reading || slot->second.get() == &kept) continue;
    if (least == slots_.end() || slot->second->used_ns < least->second->used_ns) least = slot;
  }
  // Its servers stay in the pool until they are idle: another client may be using them.
  if (least != slots_.end()) slots_.erase(least);
}

}  // namespace mcpwire::daemon
