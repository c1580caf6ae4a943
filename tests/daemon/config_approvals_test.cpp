// SPDX-License-Identifier: MIT
#include "daemon/config/approvals.hpp"

#include "tests/support/fake_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace mcpwire::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint32_t kUid = test_support::FakeFileSystem::kOwner;
const std::string kPath = "/state/mcpwire/approvals";

class ApprovalsTest : public ::testing::Test {
 protected:
  ApprovalsTest() {
    files.put("/state/mcpwire", "", 0700);
    server.name = "s";
    server.command = "npx";
    server.arguments = {"-y", "pkg"};
    server.environment = {{"TOKEN", "s3cret"}, {"B", "2"}};
  }

  Approvals load() {
    auto loaded = Approvals::load(files, kPath, kUid);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
    return std::move(loaded).value();
  }
  void approve(const ServerConfig& one) {
    Approvals approvals = load();
    EXPECT_TRUE(approvals.approve(files, std::vector{one}, "/proj").has_value());
    EXPECT_TRUE(approvals.is_approved(one, "/proj"));
  }
  bool approved(const ServerConfig& one, const std::string& directory = "/proj") {
    return load().is_approved(one, directory);
  }

  test_support::FakeFileSystem files;
  ServerConfig server;
};

TEST_F(ApprovalsTest, NothingIsApprovedWithoutAFile) { EXPECT_FALSE(approved(server)); }

TEST_F(ApprovalsTest, AnApprovalSurvivesTheProcess) {
  approve(server);
  EXPECT_TRUE(approved(server));
}

TEST_F(ApprovalsTest, EveryChangeThatMattersAsksAgain) {
  approve(server);
  ServerConfig changed = server;
  changed.command = "npy";
  EXPECT_FALSE(approved(changed));
  changed = server;
  changed.arguments = {"-yp", "kg"};
  EXPECT_FALSE(approved(changed));
  changed = server;
  changed.arguments.push_back("");
  EXPECT_FALSE(approved(changed));
  changed = server;
  changed.environment.emplace_back("NEW", "");
  EXPECT_FALSE(approved(changed));
  changed = server;
  changed.working_directory = "sub";
  EXPECT_FALSE(approved(changed));
  EXPECT_FALSE(approved(server, "/other"));
}

TEST_F(ApprovalsTest, ArgumentsAndVariablesDoNotRunIntoEachOther) {
  server.environment = {{"-y", "x"}, {"pkg", "x"}};
  ServerConfig other = server;
  server.environment.clear();
  other.arguments.clear();
  approve(server);
  EXPECT_FALSE(approved(other));
}

TEST_F(ApprovalsTest, OrderAndLimitsAskNobody) {
  approve(server);
  server.environment = {{"B", "2"}, {"TOKEN", "s3cret"}};
  server.timeout_ns = 9;
  EXPECT_TRUE(approved(server));
}

TEST_F(ApprovalsTest, AVariableOfTheUsersMayChangeItsValue) {
  // The file says ${TOKEN} before and after; what it stands for is the user's own.
  server.environment = {{"TOKEN", "${TOKEN}"}};
  approve(server);
  EXPECT_TRUE(approved(server));
  server.environment = {{"TOKEN", "${AWS_SECRET}"}};
  EXPECT_FALSE(approved(server));
}

TEST_F(ApprovalsTest, AnotherValueOfAnyVariableAsksAgain) {
  for (const char* name : {"LD_PRELOAD", "npm_config_registry", "GIT_CONFIG_GLOBAL", "ANYTHING"}) {
    ServerConfig one = server;
    one.environment = {{name, "a"}};
    approve(one);
    one.environment = {{name, "b"}};
    EXPECT_FALSE(approved(one)) << name;
  }
}

TEST_F(ApprovalsTest, TheFileNamesServersAndNeverValues) {
  server.command = "evil\nffff\x1b[2J";
  approve(server);
  const std::string text = files.read(kPath, 1 << 20).value().text;
  EXPECT_THAT(text, HasSubstr(" s in /proj: evil\\nffff\\x1b[2J\n"));
  EXPECT_THAT(text, Not(HasSubstr("s3cret")));
}

TEST_F(ApprovalsTest, KeepsWhatIsThereAndAddsNothingTwice) {
  approve(server);
  ServerConfig other = server;
  other.command = "uvx";
  approve(other);
  const std::string text = files.read(kPath, 1 << 20).value().text;
  approve(server);
  EXPECT_EQ(files.read(kPath, 1 << 20).value().text, text);
  EXPECT_TRUE(approved(server));
  EXPECT_TRUE(approved(other));
}

TEST_F(ApprovalsTest, OnlyWholeLinesCount) {
  approve(server);
  std::string text = files.read(kPath, 1 << 20).value().text;
  const std::string key = hex_of(approval_key(server, "/proj"));
  files.put(kPath, "# " + key + "\nx" + key + "\n" + key.substr(1) + "\n");
  EXPECT_FALSE(approved(server));
  files.put(kPath, "garbage\n\n" + key);
  EXPECT_TRUE(approved(server)) << "the last line may lack its end";
  ServerConfig other = server;
  other.command = "uvx";
  approve(other);
  EXPECT_TRUE(approved(server));
}

TEST_F(ApprovalsTest, AFileThatOthersMayWriteIsRefused) {
  approve(server);
  files.put(kPath, files.read(kPath, 1 << 20).value().text, 0622);
  const auto loaded = Approvals::load(files, kPath, kUid);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::kConfigUnsafe);
}

TEST_F(ApprovalsTest, AFileThatCannotBeReadIsNoApprovalAndAnError) {
  files.put(kPath, "");
  files.fail_with(kPath, Error::from_errno(ErrorKind::kConfiguration, EACCES));
  const auto loaded = Approvals::load(files, kPath, kUid);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::kConfigUnreadable);
}

TEST_F(ApprovalsTest, AFailedWriteApprovesNothing) {
  Approvals approvals = load();
  files.fail_with(kPath, Error::from_errno(ErrorKind::kInternal, ENOSPC));
  EXPECT_FALSE(approvals.approve(files, std::vector{server}, "/proj").has_value());
  EXPECT_FALSE(approvals.is_approved(server, "/proj"));
}

TEST(ApprovalsPathTest, FollowsTheBaseDirectoryRules) {
  EXPECT_EQ(approvals_path({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}}).value(),
            "/s/mcpwire/approvals");
  EXPECT_EQ(approvals_path({{"HOME", "/h"}}).value(), "/h/.local/state/mcpwire/approvals");
  EXPECT_FALSE(approvals_path({}).has_value());
}

TEST(UnapprovedErrorTest, NamesTheCommandToType) {
  const Error error = unapproved_error("s", "/a b/it's.json");
  EXPECT_EQ(error.code, ErrorCode::kConfigUnapproved);
  EXPECT_EQ(error.kind, ErrorKind::kConfiguration);
  EXPECT_TRUE(error.message().ends_with("mcpwire approve '/a b/it'\\''s.json'"));
}

}  // namespace
}  // namespace mcpwire::config
