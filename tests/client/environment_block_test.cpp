// SPDX-License-Identifier: MIT
#include "client/environment_block.hpp"

#include "tests/client/scripted_daemon.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace mcpwire::client {
namespace {

constexpr std::size_t kPlenty = 60'000;

/// The block as NAME=value lines.
std::string block_of(std::string_view config_text, std::vector<const char*> environment) {
  environment.push_back(nullptr);
  auto block = build_environment_block(config_text, environment.data(), kPlenty);
  if (!block) return "error: " + block.error().message();
  for (char& c : *block) c = c == '\0' ? '\n' : c;
  return *block;
}

TEST(EnvironmentBlockTest, FindsReferencesWithAndWithoutDefaults) {
  const std::vector<std::string_view> expected = {"TOKEN", "_x1", "PORT"};
  EXPECT_EQ(referenced_variables(R"("${TOKEN}", "${_x1:-none}${PORT}", "${TOKEN}")"), expected);
}

TEST(EnvironmentBlockTest, WhatIsNoReferenceIsLeftAlone) {
  EXPECT_TRUE(referenced_variables("$HOME ${} ${1A} ${A-B} ${A:B} ${A B} ${A ${ $").empty());
}

TEST(EnvironmentBlockTest, TheProxyIsToldWhereAServerHasAUrl) {
  const std::vector<const char*> environment = {"https_proxy=http://p:1", "SSL_CERT_FILE=/ca",
                                                "HTTP_PROXY=http://evil:1"};
  EXPECT_EQ(block_of(R"({"url":"https://h/"})", environment),
            "https_proxy=http://p:1\nSSL_CERT_FILE=/ca\n");
  EXPECT_EQ(block_of(R"({"command":"npx"})", environment), "");
}

TEST(EnvironmentBlockTest, FindsAReferenceInsideADefault) {
  const std::vector<std::string_view> expected = {"A", "B"};
  EXPECT_EQ(referenced_variables("${A:-${B}}"), expected);
}

TEST(EnvironmentBlockTest, TellsTheUsualOnesAndTheReferencedOnesAndNothingElse) {
  EXPECT_EQ(block_of("${TOKEN} ${UNSET}",
                     {"SECRET=1", "PATH=/bin", "TOKEN=a=b", "HOME=/h", "TOKENS=2", "EMPTY"}),
            "HOME=/h\nPATH=/bin\nTOKEN=a=b\n");
}

TEST(EnvironmentBlockTest, AReferenceToAUsualOneIsToldOnce) {
  EXPECT_EQ(block_of("${HOME}", {"HOME=/h"}), "HOME=/h\n");
}

TEST(EnvironmentBlockTest, AnEmptyValueIsAValue) { EXPECT_EQ(block_of("${E}", {"E="}), "E=\n"); }

TEST(EnvironmentBlockTest, OverTheLimitNamesTheVariableAndNotItsValue) {
  const std::string large = "TOKEN=" + std::string(kPlenty, 's');
  const char* environment[] = {large.c_str(), nullptr};
  const auto block = build_environment_block("${TOKEN}", environment, kPlenty);
  ASSERT_FALSE(block.has_value());
  EXPECT_EQ(block.error().code, ErrorCode::kTooLarge);
  EXPECT_NE(block.error().message().find("TOKEN"), std::string::npos);
  EXPECT_EQ(block.error().message().find("sss"), std::string::npos);
}

TEST(EnvironmentBlockTest, ReadsAConfigurationWithItsIdentity) {
  const test_support::TemporaryRuntimeDirectory directory;
  const std::string path = directory.path() + "/daemon.log";
  std::ofstream(path) << "{}";
  const auto contents = read_config(path);
  ASSERT_TRUE(contents.has_value());
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(contents->text, "{}");
  EXPECT_EQ(contents->status.identity.inode, status.st_ino);
  EXPECT_EQ(contents->status.identity.bytes, 2U);
}

TEST(EnvironmentBlockTest, AConfigurationThatIsMissingOrNoFileSaysSo) {
  EXPECT_EQ(read_config("/no/such/file").error().code, ErrorCode::kConfigMissing);
  EXPECT_EQ(read_config("/tmp").error().code, ErrorCode::kConfigUnreadable);
}

}  // namespace
}  // namespace mcpwire::client
