// SPDX-License-Identifier: MIT
#include "daemon/config/load.hpp"

#include "daemon/config/safety.hpp"
#include "tests/support/fake_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cerrno>
#include <string>

namespace mcpwire::config {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kUid = test_support::FakeFileSystem::kOwner;
constexpr const char* kText = R"({"mcpServers":{"a":{"command":"c"}}})";

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    files.put("/d", "", 0755);
    files.put("/d/f.json", kText, 0644);
  }
  Error failure() {
    auto loaded = load_configuration(files, "/d/f.json", kUid);
    EXPECT_FALSE(loaded.has_value());
    return loaded ? Error{} : loaded.error();
  }

  test_support::FakeFileSystem files;
};

TEST_F(LoadTest, GivesServersDirectoryAndIdentity) {
  const auto loaded = load_configuration(files, "/d/f.json", kUid);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message();
  EXPECT_EQ(loaded->configuration.servers.size(), 1u);
  EXPECT_EQ(loaded->directory, "/d");
  EXPECT_EQ(loaded->identity, files.status("/d/f.json").value().identity);
}

TEST_F(LoadTest, MissingUnreadableAndTooLargeAreToldApart) {
  files.fail_with("/d/f.json", Error::from_errno(ErrorKind::kConfiguration, EACCES, "open"));
  EXPECT_EQ(failure().code, ErrorCode::kConfigUnreadable);
  EXPECT_EQ(failure().message(), "/d/f.json: Permission denied");
  files.fail_with("/d/f.json", std::nullopt);
  files.put("/d/f.json", std::string(kConfigurationBytesMax + 1, ' '));
  EXPECT_EQ(failure().code, ErrorCode::kTooLarge);
  files.remove("/d/f.json");
  EXPECT_EQ(failure().code, ErrorCode::kConfigMissing);
  EXPECT_THAT(failure().message(), HasSubstr("/d/f.json"));
}

TEST_F(LoadTest, AFileThatOthersMayWriteIsRefusedWithTheRemedy) {
  for (const std::uint32_t mode : {0664u, 0646u, 0666u}) {
    files.put("/d/f.json", kText, mode);
    EXPECT_EQ(failure().code, ErrorCode::kConfigUnsafe);
  }
  EXPECT_THAT(failure().message(), HasSubstr("/d/f.json: others can change it (mode 0666)"));
  EXPECT_THAT(failure().message(), HasSubstr("chmod go-w '/d/f.json'"));
}

TEST_F(LoadTest, ADirectoryThatOthersMayWriteIsRefused) {
  files.put("/d", "", 0777);
  EXPECT_EQ(failure().code, ErrorCode::kConfigUnsafe);
  EXPECT_THAT(failure().message(), HasSubstr("chmod go-w '/d'"));
  files.put("/d", "", 01777);
  EXPECT_TRUE(load_configuration(files, "/d/f.json", kUid).has_value()) << "sticky";
}

TEST_F(LoadTest, AnotherUsersFileOrDirectoryIsRefusedButRootsIsNot) {
  files.set_owner("/d/f.json", 4242);
  EXPECT_THAT(failure().message(), HasSubstr("uid 4242"));
  files.set_owner("/d/f.json", 0);
  files.set_owner("/d", 0);
  EXPECT_TRUE(load_configuration(files, "/d/f.json", kUid).has_value());
  files.set_owner("/d", 4242);
  EXPECT_EQ(failure().code, ErrorCode::kConfigUnsafe);
}

TEST(CheckSafeTest, OnlyRegularFilesCount) {
  FileStatus directory;
  directory.mode = S_IFDIR | 0755;
  directory.owner_uid = kUid;
  FileStatus file = directory;
  for (const auto type : {S_IFIFO, S_IFDIR, S_IFCHR}) {
    file.mode = static_cast<std::uint32_t>(type) | 0600;
    EXPECT_FALSE(check_safe(file, directory, "/d/f", kUid).has_value());
  }
  file.mode = S_IFREG | 0600;
  EXPECT_TRUE(check_safe(file, directory, "/d/f", kUid).has_value());
}

}  // namespace
}  // namespace mcpwire::config
