// SPDX-License-Identifier: MIT
#include "daemon/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace mcpwire::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LogTest : public testing::Test {
 protected:
  LogTest() : directory_(testing::TempDir() + "mcpwire_log_" + unique_name()) {
    std::filesystem::create_directories(directory_);
  }
  ~LogTest() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/mcpwired.log"; }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
  std::string text() const {
    const std::ifstream file(path());
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }
  static unsigned permissions(const std::string& file) {
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
  }

 private:
  static std::string unique_name() {
    return std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "_" +
           std::to_string(::getpid());
  }

 protected:
  std::string directory_;
};

TEST_F(LogTest, LinesAreInTheFileAtOnceWithTheirLevel) {
  Log log(path());
  log.info("started");
  log.warn("careful");
  EXPECT_THAT(text(), HasSubstr(" info started\n"));
  EXPECT_THAT(text(), HasSubstr(" warning careful\n"));
  EXPECT_EQ(log.lost_lines(), 0U);
}

TEST_F(LogTest, AnExistingFileIsContinued) {
  {
    Log(path()).info("first");
  }
  {
    Log(path()).info("second");
  }
  EXPECT_THAT(text(), HasSubstr("first\n"));
  EXPECT_THAT(text(), HasSubstr("second\n"));
}

TEST_F(LogTest, NothingInALineDrivesATerminalOrMakesASecondLine) {
  Log log(path());
  log.info("a\nb\x1b[31mc\x7f\r{}%s");
  EXPECT_THAT(text(), HasSubstr("a b [31mc  {}%s\n"));
  EXPECT_EQ(std::ranges::count(text(), '\n'), 1);
}

TEST_F(LogTest, LongLinesAreCut) {
  Log log(path());
  log.info(std::string(100'000, 'x'));
  EXPECT_LT(text().size(), 9'000U);
}

TEST_F(LogTest, OnlyItsOwnerReadsItAlsoAfterRotation) {
  const mode_t previous = ::umask(022);
  Log log(path());
  EXPECT_EQ(permissions(path()), 0600U);
  const std::string line(8'000, 'x');
  for (int number = 0; number < 400; ++number) log.info(line);
  ::umask(previous);
  EXPECT_EQ(files(), 2U);
  EXPECT_EQ(permissions(path()), 0600U);
  EXPECT_LE(std::filesystem::file_size(path()), 1024U * 1024U);
  EXPECT_EQ(log.lost_lines(), 0U);
}

TEST_F(LogTest, AFileThatCannotBeOpenedLosesLinesAndCountsThem) {
  Log log("/dev/null/none/mcpwired.log");
  log.info("a");
  log.warn("b");
  EXPECT_EQ(log.lost_lines(), 2U);
}

TEST_F(LogTest, AFullDiskLosesLinesAndCountsThem) {
  Log log(path());
  log.info("fits");
  ASSERT_EQ(log.lost_lines(), 0U);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{std::filesystem::file_size(path()), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  log.info("does not");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_GT(log.lost_lines(), 0U);
}

TEST_F(LogTest, ALinkIsNotFollowed) {
  const std::string target = directory_ + "/target";
  std::ofstream(target) << "kept";
  ASSERT_EQ(::chmod(target.c_str(), 0644), 0);
  std::filesystem::create_symlink(target, path());
  Log log(path());
  log.info("a");
  EXPECT_EQ(log.lost_lines(), 1U);
  EXPECT_EQ(log.fault(), "it is a symbolic link");
  EXPECT_EQ(permissions(target), 0644U);
  EXPECT_EQ(std::filesystem::file_size(target), 4U);
}

TEST_F(LogTest, AFileWithASecondNameIsLeftAlone) {
  std::ofstream(directory_ + "/other") << "kept";
  std::filesystem::create_hard_link(directory_ + "/other", path());
  Log(path()).info("a");
  EXPECT_EQ(std::filesystem::file_size(path()), 4U);
}

TEST_F(LogTest, APipeIsNotWaitedFor) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  Log log(path());
  log.info("a");
  EXPECT_EQ(log.lost_lines(), 1U);
  EXPECT_EQ(log.fault(), "it is no regular file");
}

}  // namespace
}  // namespace mcpwire::daemon
