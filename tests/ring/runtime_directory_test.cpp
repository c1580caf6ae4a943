// SPDX-License-Identifier: MIT
#include "ring/runtime_directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mcpwire::ring {
namespace {

class RuntimeDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<char, 40> name = {"/tmp/mcpwire-runtime-XXXXXX"};
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    parent_ = name.data();
  }
  void TearDown() override { std::filesystem::remove_all(parent_); }

  void expect_refused(const std::string& path, std::string_view reason) {
    const auto directory = RuntimeDirectory::open(path);
    ASSERT_FALSE(directory.has_value());
    EXPECT_EQ(directory.error().code, ErrorCode::kRuntimeDirUnsafe);
    EXPECT_NE(directory.error().message().find(path), std::string::npos);
    EXPECT_NE(directory.error().message().find(reason), std::string::npos)
        << directory.error().message();
  }

  std::string parent_;
};

TEST_F(RuntimeDirectoryTest, OurOwnVariableComesFirst) {
  const RuntimeEnvironment environment{"/somewhere/else/", parent_.c_str(), nullptr, ::geteuid()};
  EXPECT_EQ(runtime_directory_path(environment), "/somewhere/else");
}

TEST_F(RuntimeDirectoryTest, TheDesktopsDirectoryComesNext) {
  const RuntimeEnvironment environment{nullptr, parent_.c_str(), nullptr, ::geteuid()};
  EXPECT_EQ(runtime_directory_path(environment), parent_ + "/mcpwire");
}

TEST_F(RuntimeDirectoryTest, ADesktopsDirectoryThatIsNotOursOrRelativeIsPassedOver) {
  const std::uint32_t nobody = 54321;
  const std::string expected = parent_ + "/mcpwire-54321";
  for (const char* xdg : {parent_.c_str(), "relative", "", "/no/such/directory"}) {
    const RuntimeEnvironment environment{"", xdg, parent_.c_str(), nobody};
    EXPECT_EQ(runtime_directory_path(environment), expected) << xdg;
  }
}

TEST_F(RuntimeDirectoryTest, ARelativePathBecomesAbsolute) {
  const RuntimeEnvironment environment{"here", nullptr, nullptr, ::geteuid()};
  EXPECT_EQ(runtime_directory_path(environment),
            std::filesystem::current_path().string() + "/here");
}

TEST_F(RuntimeDirectoryTest, IsMadeForItsOwnerOnlyWhateverTheUmask) {
  const mode_t before = ::umask(0);
  const auto directory = RuntimeDirectory::open(parent_ + "/run");
  ::umask(before);
  ASSERT_TRUE(directory.has_value()) << directory.error().message();
  struct stat status{};
  ASSERT_EQ(::stat((parent_ + "/run").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
  EXPECT_EQ(directory->socket_path(), parent_ + "/run/daemon.sock");
}

TEST_F(RuntimeDirectoryTest, RefusesADirectoryThatOthersMayUse) {
  const std::string path = parent_ + "/open";
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  for (const mode_t mode : {0710U, 0701U, 0755U, 0770U}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    expect_refused(path, "chmod 700 " + path);
  }
}

TEST_F(RuntimeDirectoryTest, RefusesASymbolicLink) {
  ASSERT_EQ(::mkdir((parent_ + "/real").c_str(), 0700), 0);
  ASSERT_EQ(::symlink((parent_ + "/real").c_str(), (parent_ + "/link").c_str()), 0);
  expect_refused(parent_ + "/link", "symbolic link");
}

TEST_F(RuntimeDirectoryTest, RefusesAFile) {
  std::ofstream(parent_ + "/file") << "x";
  expect_refused(parent_ + "/file", "not a directory");
}

TEST_F(RuntimeDirectoryTest, RefusesAnotherUsersDirectory) {
  const std::string path = parent_ + "/theirs";
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  if (::chown(path.c_str(), 54321, 54321) != 0) GTEST_SKIP() << "needs root to give it away";
  expect_refused(path, "belongs to user 54321");
}

TEST_F(RuntimeDirectoryTest, APathOverWhatASocketAddressHoldsSaysTheBytes) {
  const std::string longest(
      kSocketPathBytesMax - std::string("/daemon.sock").size() - parent_.size() - 1, 'd');
  EXPECT_TRUE(RuntimeDirectory::open(parent_ + "/" + longest).has_value());
  const auto too_long = RuntimeDirectory::open(parent_ + "/" + longest + "d");
  ASSERT_FALSE(too_long.has_value());
  EXPECT_EQ(too_long.error().code, ErrorCode::kRuntimePathTooLong);
  EXPECT_NE(too_long.error().message().find("108 bytes"), std::string::npos);
  EXPECT_NE(too_long.error().message().find("107"), std::string::npos);
}

TEST_F(RuntimeDirectoryTest, AMissingParentIsAnErrorWithItsName) {
  const auto directory = RuntimeDirectory::open(parent_ + "/a/b");
  ASSERT_FALSE(directory.has_value());
  EXPECT_EQ(directory.error().os_errno, ENOENT);
  EXPECT_NE(directory.error().message().find(parent_ + "/a/b"), std::string::npos);
}

TEST_F(RuntimeDirectoryTest, ALockHasOneHolderAtATime) {
  const auto directory = RuntimeDirectory::open(parent_ + "/run");
  ASSERT_TRUE(directory.has_value());
  auto first = directory->try_lock_daemon();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(first->has_value());
  EXPECT_FALSE(directory->try_lock_daemon()->has_value());
  EXPECT_TRUE(directory->try_lock_start()->has_value()) << "the two locks are one";
  first->reset();
  EXPECT_TRUE(directory->try_lock_daemon()->has_value());
}

TEST_F(RuntimeDirectoryTest, TellsWhoHoldsTheDaemonsLock) {
  const auto directory = RuntimeDirectory::open(parent_ + "/run");
  ASSERT_TRUE(directory.has_value());
  EXPECT_FALSE(directory->daemon_process().has_value()) << "there is no lock file";
  {
    const auto lock = directory->try_lock_daemon();
    ASSERT_TRUE(lock->has_value());
    EXPECT_EQ(directory->daemon_process(), 0) << "it has not said who it is";
    std::ofstream(directory->path() + "/daemon.lock") << "4711\n";
    EXPECT_EQ(directory->daemon_process(), 4711);
  }
  EXPECT_FALSE(directory->daemon_process().has_value()) << "the number is left over";
  EXPECT_TRUE(directory->try_lock_daemon()->has_value()) << "asking holds nothing";
}

TEST_F(RuntimeDirectoryTest, TheLogsTailBeginsWithAWholeLine) {
  const auto directory = RuntimeDirectory::open(parent_ + "/run");
  ASSERT_TRUE(directory.has_value());
  std::ofstream(directory->log_path()) << "first line\nsecond\n";
  EXPECT_EQ(directory->log_tail(10), "second\n");
  EXPECT_EQ(directory->log_tail(100), "first line\nsecond\n");
}

TEST_F(RuntimeDirectoryTest, ALogThatIsAPipeIsNotWaitedFor) {
  const auto directory = RuntimeDirectory::open(parent_ + "/run");
  ASSERT_TRUE(directory.has_value());
  ASSERT_EQ(::mkfifo(directory->log_path().c_str(), 0600), 0);
  EXPECT_EQ(directory->log_tail(100), "");
}

TEST_F(RuntimeDirectoryTest, TheLogsTailIsItsEnd) {
  const auto directory = RuntimeDirectory::open(parent_ + "/run");
  ASSERT_TRUE(directory.has_value());
  EXPECT_EQ(directory->log_tail(10), "");
  std::ofstream(directory->log_path()) << "0123456789abc";
  EXPECT_EQ(directory->log_tail(3), "abc");
  EXPECT_EQ(directory->log_tail(100), "0123456789abc");
}

}  // namespace
}  // namespace mcpwire::ring
