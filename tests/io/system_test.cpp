// SPDX-License-Identifier: MIT
//
// SystemFileSystem, SystemRandom and SystemClock against the machine itself.
#include "io/system_file_system.hpp"
#include "io/system_random.hpp"
#include "protocol/base/system_clock.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

namespace mcpwire::io {
namespace {

class SystemFileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/mcpwire-files-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string in_folder(const std::string& name) const { return folder_ + "/" + name; }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  SystemFileSystem files_;
  std::string folder_;
};

TEST_F(SystemFileSystemTest, WhatWasReplacedIsRead) {
  const std::string path = in_folder("a");
  ASSERT_TRUE(files_.replace(path, "one").has_value());
  ASSERT_TRUE(files_.replace(path, "two and more").has_value());
  const Result<FileContents> contents = files_.read(path, 100);
  ASSERT_TRUE(contents.has_value());
  EXPECT_EQ(contents->text, "two and more");
  EXPECT_EQ(contents->status.identity.bytes, 12U);
  EXPECT_EQ(contents->status.owner_uid, geteuid());
  EXPECT_EQ(contents->status.mode & 07777U, 0600U);
  EXPECT_EQ(contents->status.identity, files_.status(path)->identity);
  EXPECT_EQ(entries(), 1U) << "no temporary file stays";
}

TEST_F(SystemFileSystemTest, EachVersionHasItsOwnIdentity) {
  const std::string path = in_folder("a");
  ASSERT_TRUE(files_.replace(path, "one").has_value());
  const FileIdentity first = files_.status(path)->identity;
  ASSERT_TRUE(files_.replace(path, "two").has_value());
  EXPECT_NE(files_.status(path)->identity, first);
}

TEST_F(SystemFileSystemTest, MissingFoldersAreMadeForTheUserAlone) {
  ASSERT_TRUE(files_.replace(in_folder("x/y/z"), "deep").has_value());
  EXPECT_EQ(files_.status(in_folder("x"))->mode & 0777U, 0700U);
  EXPECT_EQ(files_.status(in_folder("x/y"))->mode & 0777U, 0700U);
  EXPECT_EQ(files_.read(in_folder("x/y/z"), 10)->text, "deep");
}

TEST_F(SystemFileSystemTest, TheLimitIsExact) {
  const std::string path = in_folder("a");
  ASSERT_TRUE(files_.replace(path, std::string(1000, 'x')).has_value());
  EXPECT_TRUE(files_.read(path, 1000).has_value());
  const Result<FileContents> over = files_.read(path, 999);
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().code, ErrorCode::kTooLarge);
}

// Files of /proc say that they have no bytes.
TEST_F(SystemFileSystemTest, AFileThatIsLargerThanItSaysIsReadToItsEnd) {
  const Result<FileContents> status = files_.read("/proc/self/status", 1 << 20);
  ASSERT_TRUE(status.has_value());
  EXPECT_NE(status->text.find("VmRSS"), std::string::npos);
  EXPECT_EQ(files_.read("/proc/self/status", 10).error().code, ErrorCode::kTooLarge);
}

TEST_F(SystemFileSystemTest, WhatIsMissingIsNotFound) {
  for (const std::string& path : {in_folder("none"), in_folder("none/none")}) {
    EXPECT_EQ(files_.read(path, 10).error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(files_.status(path).error().kind, ErrorKind::kNotFound);
    EXPECT_NE(files_.read(path, 10).error().message().find(path), std::string::npos);
  }
}

TEST_F(SystemFileSystemTest, FoldersAndPipesAreNoFiles) {
  ASSERT_EQ(mkfifo(in_folder("pipe").c_str(), 0600), 0);
  EXPECT_EQ(files_.read(in_folder("pipe"), 10).error().code, ErrorCode::kConfigUnreadable);
  EXPECT_EQ(files_.read(folder_, 10).error().code, ErrorCode::kConfigUnreadable);
}

TEST_F(SystemFileSystemTest, AFailedReplaceLeavesNothingBehind) {
  ASSERT_EQ(mkdir(in_folder("taken").c_str(), 0700), 0);
  EXPECT_FALSE(files_.replace(in_folder("taken"), "x").has_value());
  EXPECT_EQ(entries(), 1U);
}

TEST_F(SystemFileSystemTest, OnlyAnExecutableFileIsExecutable) {
  ASSERT_TRUE(files_.replace(in_folder("a"), "x").has_value());
  EXPECT_FALSE(files_.is_executable(in_folder("a")));
  ASSERT_EQ(chmod(in_folder("a").c_str(), 0700), 0);
  EXPECT_TRUE(files_.is_executable(in_folder("a")));
  EXPECT_FALSE(files_.is_executable(folder_)) << "a folder is none";
  EXPECT_FALSE(files_.is_executable(in_folder("none")));
}

TEST(SystemRandomTest, NumbersDifferAlsoBetweenInstances) {
  std::set<std::uint64_t> seen;
  for (int instance = 0; instance < 3; ++instance) {
    SystemRandom random;
    for (int count = 0; count < 1000; ++count) seen.insert(random.next());
  }
  EXPECT_EQ(seen.size(), 3000U);
  EXPECT_FALSE(seen.contains(0)) << "zero is what used-up numbers become";
}

TEST(SystemClockTest, MonotonicTimeNeverGoesBack) {
  const SystemClock clock;
  std::uint64_t last = clock.monotonic_ns();
  for (int count = 0; count < 1000; ++count) {
    const std::uint64_t now = clock.monotonic_ns();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.realtime_ns(), 1'700'000'000ULL * kNanosecondsPerSecond);
}

}  // namespace
}  // namespace mcpwire::io
