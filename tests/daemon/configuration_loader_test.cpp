// SPDX-License-Identifier: MIT
#include "daemon/configuration_loader.hpp"

#include "daemon/config/approvals.hpp"
#include "tests/support/fake_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mcpwire::daemon {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint32_t kUid = test_support::FakeFileSystem::kOwner;
constexpr const char* kPath = "/p/mcp.json";

class ConfigurationLoaderTest : public testing::Test {
 protected:
  ConfigurationLoaderTest() {
    files.put("/p", "", 0755);
    files.put("/opt/a", "", 0755);
    files.put("/opt/b", "", 0755);
    key.path = kPath;
    key.origin = protocol::ConfigOrigin::kExplicit;
    key.working_directory = "/somewhere";
    set_environment({"HOME=/home/u", "PATH=/opt"});
  }

  void set_environment(const std::vector<std::string>& pairs) {
    key.environment.clear();
    for (const std::string& pair : pairs) key.environment += pair + '\0';
  }
  void servers(const std::string& text) { files.put(kPath, R"({"mcpServers":{)" + text + "}}"); }
  Result<ActiveConfiguration> try_load() { return load_active_configuration(files, key, kUid); }
  ActiveConfiguration load() {
    Result<ActiveConfiguration> loaded = try_load();
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
    return loaded.value_or(ActiveConfiguration{});
  }

  test_support::FakeFileSystem files;
  ConfigurationKey key;
};

TEST_F(ConfigurationLoaderTest, ResolvesServersInTheOrderOfTheFile) {
  servers(R"("b":{"command":"b","args":["x"]},"a":{"command":"/opt/a"})");
  const ActiveConfiguration active = load();
  ASSERT_EQ(active.servers.size(), 2U);
  EXPECT_EQ(active.servers[0].name, "b");
  ASSERT_TRUE(active.servers[0].spec.has_value());
  const pool::ServerSpec& spec = *active.servers[0].spec;
  EXPECT_EQ(spec.name, "b");
  EXPECT_EQ(spec.spawn.program, "/opt/b");
  EXPECT_EQ(spec.spawn.arguments, std::vector<std::string>{"x"});
  EXPECT_EQ(spec.spawn.working_directory, "/p");
  EXPECT_EQ(spec.identity.size(), 64U);
  EXPECT_NE(spec.identity, active.servers[1].spec->identity);
  EXPECT_EQ(active.identity, files.status(kPath).value().identity);
}

TEST_F(ConfigurationLoaderTest, TheServersTimeoutIsItsTimeToStartToo) {
  servers(R"("a":{"command":"/opt/a","timeout":"90s"},"b":{"command":"/opt/b"})");
  const ActiveConfiguration active = load();
  EXPECT_EQ(active.servers[0].timeout_ns, 90 * kNanosecondsPerSecond);
  EXPECT_EQ(active.servers[0].spec->open_timeout_ns, 90 * kNanosecondsPerSecond);
  EXPECT_EQ(active.servers[1].timeout_ns, 0U);
  EXPECT_EQ(active.servers[1].spec->open_timeout_ns, pool::kOpenTimeoutNs);
}

class Pigeons final : public pool::TransportKind {
 public:
  std::string_view type() const noexcept override { return "pigeon"; }
  Result<void> check(const pool::PluggedServer& server) const override {
    if (server.find("loft") != nullptr) return {};
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid, "loft is missing");
  }
  std::unique_ptr<io::McpTransport> create_transport(
      const pool::ServerSpec&, const pool::TransportSurroundings&) const override {
    return nullptr;
  }
};

TEST_F(ConfigurationLoaderTest, AKindFromOutsideIsTakenWhereItIsKnownAndContent) {
  servers(R"("a":{"type":"pigeon","loft":"north","limits":{"queueBytes":"1MiB"}},)"
          R"("b":{"type":"pigeon"},"c":{"type":"owl"},"d":{"command":"/opt/a"})");
  const Pigeons pigeons;
  const pool::TransportKind* const kinds[] = {&pigeons};
  const ActiveConfiguration active = load_active_configuration(files, key, kUid, kinds).value();
  ASSERT_EQ(active.servers.size(), 4U);
  ASSERT_TRUE(active.servers[0].spec.has_value());
  const pool::ServerSpec& spec = *active.servers[0].spec;
  EXPECT_EQ(spec.kind, pool::ServerKind::kPlugged);
  EXPECT_EQ(spec.plugged.type, "pigeon");
  ASSERT_NE(spec.plugged.find("loft"), nullptr);
  EXPECT_EQ(*spec.plugged.find("loft"), "north");
  EXPECT_EQ(spec.limits.queue_bytes_max, std::size_t{1} << 20);
  EXPECT_THAT(active.servers[1].spec.error().message(),
              HasSubstr("/p/mcp.json: server 'b': loft is missing"));
  EXPECT_THAT(active.servers[2].spec.error().message(),
              HasSubstr("server 'c': type must be \"pigeon\", \"stdio\", \"http\""));
  EXPECT_TRUE(active.servers[3].spec.has_value());
  EXPECT_FALSE(load().servers[0].spec.has_value()) << "this daemon knows no pigeons";
}

TEST_F(ConfigurationLoaderTest, VariablesAreTheCallers) {
  servers(R"("a":{"command":"/opt/a","env":{"TOKEN":"${SECRET}"}})");
  set_environment({"HOME=/home/u", "SECRET=one=1"});
  const ActiveConfiguration first = load();
  EXPECT_THAT(first.servers[0].spec->spawn.environment, Contains("TOKEN=one=1"));
  set_environment({"HOME=/home/u", "SECRET=two"});
  EXPECT_NE(load().servers[0].spec->identity, first.servers[0].spec->identity);
}

TEST_F(ConfigurationLoaderTest, AnEnvironmentThatIsNoneHarmsNobody) {
  servers(R"("a":{"command":"/opt/a"})");
  for (const std::string& block : {std::string(), std::string("\0\0\0", 3), std::string("=x\0", 3),
                                   std::string("NOEQUALS"), std::string("A=1\0B=2", 7)}) {
    key.environment = block;
    EXPECT_TRUE(load().servers[0].spec.has_value());
  }
}

TEST_F(ConfigurationLoaderTest, OneUnusableServerKeepsItsPlaceWithTheReason) {
  servers(R"("a":{"command":"/opt/none"},"b":{"command":"/opt/b"},"c":{"command":"${NO}"},"d":{})");
  const ActiveConfiguration active = load();
  ASSERT_EQ(active.servers.size(), 4U);
  EXPECT_EQ(active.find("a").value()->spec.error().code, ErrorCode::kCommandNotFound);
  EXPECT_TRUE(active.find("b").value()->spec.has_value());
  EXPECT_EQ(active.find("c").value()->spec.error().code, ErrorCode::kConfigInvalid);
  EXPECT_EQ(active.find("d").value()->spec.error().code, ErrorCode::kConfigInvalid);
}

TEST_F(ConfigurationLoaderTest, AnUnknownNameIsAnsweredWithTheNearest) {
  servers(R"("files":{"command":"/opt/a"})");
  const Result<const ConfiguredServer*> found = load().find("flies");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(found.error().message(), HasSubstr("did you mean 'files'"));
}

TEST_F(ConfigurationLoaderTest, DiscoveredFilesStartNothingBeforeTheirApproval) {
  servers(R"("a":{"command":"/opt/a"},"b":{"command":"/opt/b"})");
  key.origin = protocol::ConfigOrigin::kDiscovered;
  const ActiveConfiguration before = load();
  for (const ConfiguredServer& server : before.servers) {
    EXPECT_EQ(server.spec.error().code, ErrorCode::kConfigUnapproved);
  }

  files.put("/home/u/.local/state/mcpwire", "", 0700);
  const std::string approvals_path = "/home/u/.local/state/mcpwire/approvals";
  config::Approvals approvals = config::Approvals::load(files, approvals_path, kUid).value();
  config::ServerConfig agreed;
  agreed.name = "a";
  agreed.command = "/opt/a";
  ASSERT_TRUE(approvals.approve(files, std::vector{agreed}, "/p").has_value());
  const ActiveConfiguration after = load();
  EXPECT_TRUE(after.find("a").value()->spec.has_value());
  EXPECT_EQ(after.find("b").value()->spec.error().code, ErrorCode::kConfigUnapproved);
}

TEST_F(ConfigurationLoaderTest, ADiscoveredFileWithoutAHomeIsRefused) {
  servers(R"("a":{"command":"/opt/a"})");
  key.origin = protocol::ConfigOrigin::kDiscovered;
  set_environment({"PATH=/opt"});
  ASSERT_FALSE(try_load().has_value());
  EXPECT_EQ(try_load().error().kind, ErrorKind::kConfiguration);
}

TEST_F(ConfigurationLoaderTest, AFileThatCannotBeUsedIsAFailureThatNamesIt) {
  EXPECT_EQ(try_load().error().code, ErrorCode::kConfigMissing);
  files.put(kPath, "{");
  EXPECT_EQ(try_load().error().code, ErrorCode::kConfigInvalid);
  EXPECT_THAT(try_load().error().message(), HasSubstr(kPath));
  files.put(kPath, R"({"mcpServers":{}})", 0666);
  EXPECT_EQ(try_load().error().code, ErrorCode::kConfigUnsafe);
}

TEST_F(ConfigurationLoaderTest, NoValueOfTheEnvironmentIsInAnyMessage) {
  servers(R"("a":{"command":"${SECRET}","env":{"T":"${SECRET}"}})");
  set_environment({"HOME=/home/u", "SECRET=s3cret"});
  const ActiveConfiguration active = load();
  ASSERT_FALSE(active.servers[0].spec.has_value());
  EXPECT_THAT(active.servers[0].spec.error().message(), Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace mcpwire::daemon
