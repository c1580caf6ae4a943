// SPDX-License-Identifier: MIT
#include "daemon/config/discovery.hpp"

#include "tests/support/fake_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace mcpwire::config {
namespace {

using protocol::ConfigOrigin;
using ::testing::HasSubstr;

class DiscoveryTest : public ::testing::Test {
 protected:
  DiscoveryTest() {
    input.working_directory = "/w";
    input.environment = {{"HOME", "/h"}};
  }
  FoundConfiguration found() {
    auto result = discover(input, files);
    EXPECT_TRUE(result.has_value()) << result.error().message();
    return result ? *result : FoundConfiguration{};
  }
  Error failure() {
    auto result = discover(input, files);
    EXPECT_FALSE(result.has_value());
    return result ? Error{} : result.error();
  }

  test_support::FakeFileSystem files;
  DiscoveryInput input;
};

TEST_F(DiscoveryTest, FollowsTheDocumentedOrder) {
  files.put("/h/.config/mcp/mcp_servers.json", "");
  EXPECT_EQ(found().path, "/h/.config/mcp/mcp_servers.json");
  EXPECT_EQ(found().origin, ConfigOrigin::kExplicit);
  files.put("/w/.mcp.json", "");
  EXPECT_EQ(found().path, "/w/.mcp.json");
  EXPECT_EQ(found().origin, ConfigOrigin::kDiscovered);
  files.put("/w/mcp_servers.json", "");
  EXPECT_EQ(found().path, "/w/mcp_servers.json");
  EXPECT_EQ(found().origin, ConfigOrigin::kDiscovered);
  files.put("/w/env.json", "");
  input.environment["MCPWIRE_CONFIG"] = "env.json";
  EXPECT_EQ(found().path, "/w/env.json");
  EXPECT_EQ(found().origin, ConfigOrigin::kExplicit);
  files.put("/x/flag.json", "");
  input.chosen_path = "../x/flag.json";
  EXPECT_EQ(found().path, "/x/flag.json");
  EXPECT_EQ(found().origin, ConfigOrigin::kExplicit);
}

TEST_F(DiscoveryTest, AChosenFileThatIsMissingIsNotReplacedByAnother) {
  files.put("/w/mcp_servers.json", "");
  input.chosen_path = "typo.json";
  EXPECT_EQ(failure().code, ErrorCode::kConfigMissing);
  EXPECT_THAT(failure().message(), HasSubstr("/w/typo.json: no such file (named by -c)"));
  input.chosen_path.clear();
  input.environment["MCPWIRE_CONFIG"] = "/typo.json";
  EXPECT_THAT(failure().message(), HasSubstr("MCPWIRE_CONFIG"));
}

TEST_F(DiscoveryTest, ListsWhatItLookedFor) {
  const Error error = failure();
  EXPECT_EQ(error.code, ErrorCode::kConfigMissing);
  for (const char* path :
       {"/w/mcp_servers.json", "/w/.mcp.json", "/h/.config/mcp/mcp_servers.json", "-c FILE"}) {
    EXPECT_THAT(error.message(), HasSubstr(path));
  }
  input.environment = {{"XDG_CONFIG_HOME", "/c"}};
  EXPECT_THAT(failure().message(), HasSubstr("/c/mcp/mcp_servers.json"));
}

TEST_F(DiscoveryTest, AFileThatCannotBeLookedAtIsNotPassedOver) {
  files.put("/w/.mcp.json", "");
  files.fail_with("/w/mcp_servers.json", Error::from_errno(ErrorKind::kConfiguration, EACCES));
  EXPECT_EQ(failure().code, ErrorCode::kConfigUnreadable);
}

}  // namespace
}  // namespace mcpwire::config
