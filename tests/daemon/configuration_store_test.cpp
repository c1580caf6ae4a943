// SPDX-License-Identifier: MIT
#include "daemon/configuration_store.hpp"

#include "daemon/config/approvals.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"

#include <gmock/gmock.h>

namespace mcpwire::daemon {
namespace {

using protocol::Method;
using protocol::Outcome;
using test_support::BackgroundTask;
using test_support::call_payload;
using ::testing::HasSubstr;

class ConfigurationStoreTest : public DaemonTest {
 protected:
  using Load = BackgroundTask<Result<ConfigurationPointer>>;

  Load load(const ConfigurationKey& wanted, io::CancelScope& own_scope) {
    return Load(loop, configurations->load(wanted, own_scope));
  }
  Result<ConfigurationPointer> load_now(const ConfigurationKey& wanted) {
    Load loading = load(wanted, scope);
    settle();
    EXPECT_TRUE(loading.has_ended());
    return std::move(loading.value());
  }
  Result<ConfigurationPointer> load_now() { return load_now(key()); }

  ConfigurationPointer try_current() {
    return configurations->try_current(key(), identity_of(kConfigPath));
  }

  io::CancelScope scope;
};

TEST_F(ConfigurationStoreTest, WhatWasNeverReadIsNotCurrent) {
  configure({"files"});
  EXPECT_EQ(try_current(), nullptr);
  EXPECT_EQ(files.reads(), 0U);
}

TEST_F(ConfigurationStoreTest, ClientsThatAskTogetherShareOneReading) {
  configure({"files"});
  Load first = load(key(), scope);
  Load second = load(key(), scope);
  settle();
  ASSERT_TRUE(first.has_ended() && second.has_ended());
  EXPECT_EQ(first.value().value(), second.value().value());
  EXPECT_EQ(files.reads(), 1U);
  EXPECT_EQ(try_current(), first.value().value());
}

TEST_F(ConfigurationStoreTest, AClientThatStopsWaitingLeavesTheReadingToTheOthers) {
  configure({"files"});
  io::CancelScope impatient;
  Load leaves = load(key(), impatient);
  Load stays = load(key(), scope);
  impatient.cancel(io::CancelCause::kPeerGone);
  settle();
  ASSERT_TRUE(leaves.has_ended() && stays.has_ended());
  EXPECT_EQ(leaves.value().error().kind, ErrorKind::kDisconnected);
  EXPECT_TRUE(stays.value().has_value());
  EXPECT_EQ(files.reads(), 1U);
}

TEST_F(ConfigurationStoreTest, EnvironmentAndOriginKeepConfigurationsApart) {
  configure({"files"});
  ConfigurationKey other = key();
  other.environment += std::string("X=1\0", 4);
  const ConfigurationPointer first = load_now().value();
  const ConfigurationPointer second = load_now(other).value();
  EXPECT_NE(first, second);
  // What resolves to the same is the same server all the same.
  EXPECT_EQ(first->servers[0].spec->identity, second->servers[0].spec->identity);
}

TEST_F(ConfigurationStoreTest, EqualKeysAreOneObjectWhileSomebodyHasIt) {
  const SeenConfiguration seen{key(), {.device = 1}};
  SeenConfiguration other = seen;
  other.key.environment += std::string("X=1\0", 4);
  SeenConfiguration newer = seen;
  newer.version.changed_ns = 1;
  SeenConfigurationPointer first = configurations->share(seen);
  const std::weak_ptr<const SeenConfiguration> watched = first;
  SeenConfigurationPointer second = configurations->share(seen);
  EXPECT_EQ(first, second);
  EXPECT_EQ(*first, seen);
  EXPECT_EQ(*configurations->share(other), other);
  EXPECT_EQ(*configurations->share(newer), newer);
  first.reset();
  EXPECT_FALSE(watched.expired());
  second.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(*configurations->share(seen), seen);
}

TEST_F(ConfigurationStoreTest, AnotherVersionThanTheClientSawHasToBeRead) {
  configure({"files"});
  ASSERT_TRUE(load_now().has_value());
  FileIdentity newer = identity_of(kConfigPath);
  ++newer.changed_ns;
  EXPECT_EQ(configurations->try_current(key(), newer), nullptr);
}

TEST_F(ConfigurationStoreTest, TheFileItselfIsAskedEverySoOften) {
  configure({"files"});
  ASSERT_TRUE(load_now().has_value());
  const FileIdentity seen = identity_of(kConfigPath);
  write_file(kConfigPath, R"({"mcpServers":{}})");
  EXPECT_NE(configurations->try_current(key(), seen), nullptr);
  advance(100 * kNanosecondsPerMillisecond);
  EXPECT_EQ(configurations->try_current(key(), seen), nullptr);
}

TEST_F(ConfigurationStoreTest, AFileThatIsGoneIsNotCurrent) {
  configure({"files"});
  ASSERT_TRUE(load_now().has_value());
  const FileIdentity seen = identity_of(kConfigPath);
  files.remove(kConfigPath);
  advance(kSecond);
  EXPECT_EQ(configurations->try_current(key(), seen), nullptr);
  EXPECT_EQ(load_now().error().code, ErrorCode::kConfigMissing);
}

TEST_F(ConfigurationStoreTest, ABrokenFileIsAnErrorUntilItIsMended) {
  configure({"files"});
  TestClient& client = connect_configured();
  ASSERT_EQ(ask(client, Method::kListServers).outcome, Outcome::kOk);
  write_file(kConfigPath, "{");
  advance(kSecond);
  const Answer broken = ask(client, Method::kListServers);
  EXPECT_EQ(broken.outcome, Outcome::kRejected);
  EXPECT_EQ(broken.failure().error.code, ErrorCode::kConfigInvalid);
  EXPECT_THAT(broken.failure().error.message(), HasSubstr(kConfigPath));
  configure({"files", "web"});
  EXPECT_EQ(ask(client, Method::kListServers).outcome, Outcome::kOk);
}

TEST_F(ConfigurationStoreTest, ServersThatNoConfigurationNamesAnyMoreLeaveThePool) {
  configure({"files", "web"});
  TestClient& client = connect_configured();
  for (const std::string_view name : {"files", "web"}) {
    const std::uint64_t call = client.request(Method::kCallTool, call_payload({.server = name}));
    settle();
    factory.transport(factory.count() - 1).answer_ok(0, "{}");
    settle();
    ASSERT_TRUE(client.answer(call).has_value());
  }
  configure({"web"});
  TestClient& next = connect_configured();
  ask(next, Method::kListServers);
  EXPECT_EQ(factory.transport(0).closes(), 1U);
  EXPECT_EQ(factory.transport(1).closes(), 0U);
}

TEST_F(ConfigurationStoreTest, AServerThatAnotherConfigurationNamesStays) {
  configure({"files"});
  ConfigurationKey other = key();
  other.environment += std::string("X=1\0", 4);
  TestClient& client = connect_configured();
  const std::uint64_t call = client.request(Method::kCallTool, call_payload({}));
  settle();
  factory.transport(0).answer_ok(0, "{}");
  settle();
  ASSERT_TRUE(client.answer(call).has_value());
  ASSERT_TRUE(load_now(other).has_value());
  configure({"web"});
  ASSERT_TRUE(load_now().has_value());
  EXPECT_EQ(factory.transport(0).closes(), 0U);
  // Now the last configuration that named it is read anew.
  ASSERT_TRUE(load_now(other).has_value());
  settle();
  EXPECT_EQ(factory.transport(0).closes(), 1U);
}

TEST_F(ConfigurationStoreTest, CallsUnderWayFinishOnTheServerThatTheyBeganOn) {
  configure({"files"});
  TestClient& client = connect_configured();
  const std::uint64_t old_call = client.request(Method::kCallTool, call_payload({}));
  settle();
  write_file(kConfigPath, R"({"mcpServers":{"files":{"command":"/opt/files","args":["new"]}}})");
  advance(kSecond);
  const std::uint64_t new_call = client.request(Method::kCallTool, call_payload({}));
  settle();
  ASSERT_EQ(factory.count(), 2U);
  EXPECT_EQ(factory.server(1).spec.spawn.arguments, std::vector<std::string>{"new"});
  EXPECT_EQ(factory.transport(0).closes(), 0U);
  factory.transport(0).answer_ok(0, R"({"old":1})");
  settle();
  EXPECT_EQ(client.answer(old_call)->payload, R"({"old":1})");
  EXPECT_EQ(factory.transport(0).closes(), 1U);
  factory.transport(1).answer_ok(0, R"({"new":1})");
  settle();
  EXPECT_EQ(client.answer(new_call)->payload, R"({"new":1})");
}

TEST_F(ConfigurationStoreTest, AnApprovalIsSeenByTheNextRequest) {
  configure({"files"});
  ConfigurationKey discovered = key();
  discovered.origin = protocol::ConfigOrigin::kDiscovered;
  TestClient& client = connect();
  client.hello(discovered, identity_of(kConfigPath));
  const Answer before = ask(client, Method::kCallTool, call_payload({}));
  EXPECT_EQ(before.outcome, Outcome::kRejected);
  EXPECT_EQ(before.failure().error.code, ErrorCode::kConfigUnapproved);

  config::ServerConfig server;
  server.name = "files";
  server.command = "/opt/files";
  const std::string approvals = "/home/u/.local/state/mcpwire/approvals";
  write_file("/home/u/.local/state/mcpwire", "", 0700);
  ASSERT_TRUE(config::Approvals::load(files, approvals, 0)
                  .value()
                  .approve(files, std::vector{server}, "/home/u/project")
                  .has_value());
  files.set_owner(approvals, 0);
  client.request(Method::kCallTool, call_payload({}));
  settle();
  EXPECT_EQ(factory.count(), 1U);
}

TEST_F(ConfigurationStoreTest, ACommandThatWasInstalledMeanwhileIsFound) {
  configure({"files"});
  files.remove("/opt/files");
  TestClient& client = connect_configured();
  const Answer before = ask(client, Method::kCallTool, call_payload({}));
  EXPECT_EQ(before.failure().error.code, ErrorCode::kCommandNotFound);
  write_file("/opt/files", "", 0755);
  client.request(Method::kCallTool, call_payload({}));
  settle();
  EXPECT_EQ(factory.count(), 1U);
}

/// Keys that differ in the environment: what a store of bounded size has to bear.
class ConfigurationEvictionTest : public ConfigurationStoreTest {
 protected:
  static constexpr int kSlots = 64;
  ConfigurationKey numbered(int number) {
    ConfigurationKey numbered_key = key();
    numbered_key.environment += "N=" + std::to_string(number) + '\0';
    return numbered_key;
  }
  bool is_kept(int number) {
    return configurations->try_current(numbered(number), identity_of(kConfigPath)) != nullptr;
  }
};

TEST_F(ConfigurationEvictionTest, TheLeastUsedMakesRoomForTheOneTooMany) {
  configure({"files"});
  for (int number = 0; number < kSlots; ++number) {
    ASSERT_TRUE(load_now(numbered(number)).has_value());
    advance(1);
  }
  EXPECT_TRUE(is_kept(0));  // and used just now
  advance(1);
  ASSERT_TRUE(load_now(numbered(kSlots)).has_value());
  EXPECT_TRUE(is_kept(0));
  EXPECT_FALSE(is_kept(1));
  EXPECT_TRUE(is_kept(2));
  EXPECT_TRUE(is_kept(kSlots));
}

TEST_F(ConfigurationEvictionTest, ConfigurationsThatCannotBeReadMakeRoomToo) {
  configure({"files"});
  ASSERT_TRUE(load_now(numbered(0)).has_value());
  write_file("/home/u/project/broken.json", "{");
  for (int number = 0; number < 2 * kSlots; ++number) {
    advance(1);
    ConfigurationKey broken = numbered(number);
    broken.path = "/home/u/project/broken.json";
    ASSERT_FALSE(load_now(broken).has_value());
  }
  // They were used later and would have pushed it out, had they not been dropped themselves; now
  // the newest ones stay and the old good one is gone.
  EXPECT_FALSE(is_kept(0));
  for (int number = 1; number < kSlots; ++number) {
    advance(1);
    ASSERT_TRUE(load_now(numbered(number)).has_value());
  }
  for (int number = 1; number < kSlots; ++number) EXPECT_TRUE(is_kept(number)) << number;
}

TEST_F(ConfigurationEvictionTest, AServerOfADroppedConfigurationKeepsRunning) {
  configure({"files"});
  TestClient& client = connect_configured();
  const std::uint64_t call = client.request(Method::kCallTool, call_payload({}));
  settle();
  for (int number = 0; number <= kSlots; ++number) {
    advance(1);
    ASSERT_TRUE(load_now(numbered(number)).has_value());
  }
  EXPECT_EQ(factory.transport(0).closes(), 0U);
  factory.transport(0).answer_ok(0, "{}");
  settle();
  EXPECT_EQ(client.answer(call)->outcome, Outcome::kOk);
  // And is found again by the client that goes on.
  client.request(Method::kCallTool, call_payload({}));
  settle();
  EXPECT_EQ(factory.count(), 1U);
  EXPECT_EQ(factory.transport(0).waiting(), 1U);
}

class ConfigurationStoreStopTest : public ConfigurationStoreTest {
 protected:
  // The store outlives the task.
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  static io::task<int> stop(ConfigurationStore& store) {
    co_await store.stop();
    co_return 0;
  }
};

TEST_F(ConfigurationStoreStopTest, StopEndsReadingsAndRefusesLaterOnes) {
  configure({"files"});
  Load loading = load(key(), scope);
  BackgroundTask<int> stopped(loop, stop(*configurations));
  settle();
  ASSERT_TRUE(stopped.has_ended());
  ASSERT_TRUE(loading.has_ended());
  EXPECT_EQ(loading.value().error().code, ErrorCode::kShuttingDown);
  EXPECT_EQ(load_now().error().code, ErrorCode::kShuttingDown);
}

}  // namespace
}  // namespace mcpwire::daemon
