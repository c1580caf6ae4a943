// SPDX-License-Identifier: MIT
#include "daemon/era_verdicts.hpp"

#include "io/loop.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <memory>
#include <string>

namespace mcpwire::daemon {
namespace {

using io::EraVerdict;
using protocol::mcp::Era;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr EraVerdict kModern{.era = Era::kModern};
constexpr EraVerdict kLegacy{.era = Era::kLegacy};
constexpr EraVerdict kSse{.era = Era::kLegacy, .is_http_sse = true};
constexpr std::uint64_t kHour = 3600 * kNanosecondsPerSecond;
const std::string kPath = "/home/u/.cache/mcpwire/server-eras";

/// One daemon after the other on the same file; only the helper thread is a real one.
class EraVerdictsTest : public testing::Test {
 protected:
  EraVerdictsTest() {
    helper_loop = io::Loop::create().value();
    helper = io::HelperThread::create(*helper_loop).value();
    start();
    settle();  // The fake's files are not to be touched while the helper reads them.
  }
  void TearDown() override { stop(); }

  void start(const std::string& path = kPath) {
    verdicts = std::make_unique<DiskEraVerdicts>(loop, *helper, files, loop, path);
    verdicts->start_reading();
  }
  void stop() {
    io::Scope scope(loop);
    scope.spawn(stop_verdicts(verdicts.get()));
    settle();
    ASSERT_EQ(scope.running(), 0U);
    verdicts.reset();
  }
  void restart() {
    stop();
    take_ownership();
    start();
    settle();
  }
  /// Lets what was found out be written.
  void wait_for_write() {
    settle();
    loop.advance_ns(kEraVerdictsPauseNs);
    settle();
  }
  void settle() {
    for (;;) {
      loop.run_until_idle();
      const bool is_helping = helper->jobs() > 0;
      const bool has_worked = helper_loop->run_once(is_helping ? kNanosecondsPerSecond : 0);
      if (!has_worked && !is_helping) return;
    }
  }
  /// The fake's files belong to somebody else unless they are given away.
  void take_ownership() {
    if (files.status(kPath).has_value()) files.set_owner(kPath, ::geteuid());
  }
  std::string text() { return files.read(kPath, 1 << 20).value().text; }
  void put(const std::string& content, std::uint32_t permissions = 0600) {
    stop();
    files.put(kPath, content, permissions);
    files.set_owner(kPath, ::geteuid());
    start();
    settle();
  }
  std::string now_text() const {
    return std::to_string(loop.realtime_ns() / kNanosecondsPerSecond);
  }

  static io::task<Result<void>> stop_verdicts(DiskEraVerdicts* verdicts) {
    co_await verdicts->stop();
    co_return Result<void>{};
  }

  test_support::FakeEventLoop loop;
  test_support::FakeFileSystem files;
  std::unique_ptr<io::Loop> helper_loop;
  std::unique_ptr<io::HelperThread> helper;
  std::unique_ptr<DiskEraVerdicts> verdicts;
};

TEST_F(EraVerdictsTest, NothingIsKnownOfAServerThatWasNeverSeen) {
  EXPECT_EQ(verdicts->find("a"), std::nullopt);
}

TEST_F(EraVerdictsTest, WhatWasFoundOutIsKnownAtOnceAndToTheNextDaemon) {
  verdicts->keep("a", kModern);
  verdicts->keep("b", kLegacy);
  verdicts->keep("c", kSse);
  EXPECT_EQ(verdicts->find("a"), kModern);
  restart();
  EXPECT_EQ(verdicts->find("a"), kModern);
  EXPECT_EQ(verdicts->find("b"), kLegacy);
  EXPECT_EQ(verdicts->find("c"), kSse);
}

TEST_F(EraVerdictsTest, TheFileIsOfTheDocumentedForm) {
  const std::string now = now_text();
  verdicts->keep("b", kSse);
  verdicts->keep("a", kModern);
  wait_for_write();
  EXPECT_EQ(text(), "mcpwire server eras 1\na modern " + now + "\nb legacy-sse " + now + "\n");
}

TEST_F(EraVerdictsTest, WhatWasForgottenStaysForgotten) {
  verdicts->keep("a", kLegacy);
  restart();
  verdicts->forget("a");
  EXPECT_EQ(verdicts->find("a"), std::nullopt);
  restart();
  EXPECT_EQ(verdicts->find("a"), std::nullopt);
}

TEST_F(EraVerdictsTest, ALegacyVerdictIsTooOldAfterADayAndAModernOneNever) {
  verdicts->keep("old", kLegacy);
  verdicts->keep("sse", kSse);
  verdicts->keep("new", kModern);
  loop.advance_ns(24 * kHour - kNanosecondsPerSecond);
  EXPECT_EQ(verdicts->find("old"), kLegacy);
  loop.advance_ns(kNanosecondsPerSecond);
  EXPECT_EQ(verdicts->find("old"), std::nullopt);
  EXPECT_EQ(verdicts->find("sse"), std::nullopt);
  loop.advance_ns(1000 * 24 * kHour);
  EXPECT_EQ(verdicts->find("new"), kModern);
}

TEST_F(EraVerdictsTest, ALegacyVerdictOutOfTheFutureIsTooOld) {
  put("mcpwire server eras 1\na legacy 99999999999\nb modern 99999999999\n");
  EXPECT_EQ(verdicts->find("a"), std::nullopt);
  EXPECT_EQ(verdicts->find("b"), kModern);
}

TEST_F(EraVerdictsTest, ADamagedFileIsAnEmptyOne) {
  const std::string good = "a modern " + now_text() + "\n";
  const std::string header = "mcpwire server eras 1\n";
  for (const std::string& content :
       {std::string(), std::string("\n"), good, std::string("mcpwire server eras 2\n") + good,
        header + good + "b", header + good + "b modern", header + good + "b purple 5\n",
        header + good + "b modern 5x\n", header + good + "b modern -5\n",
        header + good + "b modern 5 6\n", header + good + " modern 5\n",
        header + good + std::string("\0\0\0\0", 4), header + good + "\n\n",
        header + good + std::string(200, 'i') + " modern 5\n",
        header + good + "b modern 99999999999999999999999\n"}) {
    put(content);
    EXPECT_EQ(verdicts->find("a"), std::nullopt) << content;
    const std::string now = now_text();
    verdicts->keep("a", kLegacy);
    wait_for_write();
    EXPECT_EQ(text(), header + "a legacy " + now + "\n") << content;
  }
  put(header + good);
  EXPECT_EQ(verdicts->find("a"), kModern);
}

TEST_F(EraVerdictsTest, AFileThatOthersMayWriteIsNotBelieved) {
  const std::string content = "mcpwire server eras 1\na modern " + now_text() + "\n";
  put(content, 0620);
  EXPECT_EQ(verdicts->find("a"), std::nullopt);
  put(content, 0602);
  EXPECT_EQ(verdicts->find("a"), std::nullopt);
  stop();
  files.put(kPath, content);
  files.set_owner(kPath, ::geteuid() + 1);
  start();
  settle();
  EXPECT_EQ(verdicts->find("a"), std::nullopt);
}

TEST_F(EraVerdictsTest, ATooLargeFileIsAnEmptyOne) {
  std::string content = "mcpwire server eras 1\n";
  while (content.size() < (std::size_t{300} << 10)) {
    content += "s" + std::to_string(content.size()) + " modern 5\n";
  }
  put(content);
  EXPECT_EQ(verdicts->find("s22"), std::nullopt);
}

TEST_F(EraVerdictsTest, WhatIsFoundOutWhileTheFileIsReadWins) {
  stop();
  files.put(kPath, "mcpwire server eras 1\na legacy " + now_text() + "\n");
  files.set_owner(kPath, ::geteuid());
  start();
  verdicts->keep("a", kModern);
  settle();
  EXPECT_EQ(verdicts->find("a"), kModern);
  restart();
  EXPECT_EQ(verdicts->find("a"), kModern);
}

TEST_F(EraVerdictsTest, AFileThatCannotBeWrittenHarmsNothing) {
  files.fail_with(kPath, Error::of(ErrorKind::kInternal, ErrorCode::kSystemCall));
  verdicts->keep("a", kModern);
  wait_for_write();
  EXPECT_EQ(verdicts->find("a"), kModern);
  files.fail_with(kPath, std::nullopt);
  verdicts->keep("b", kModern);
  wait_for_write();
  EXPECT_THAT(text(), HasSubstr("a modern"));
}

TEST_F(EraVerdictsTest, ManyChangesInARowAreOneWrite) {
  for (int i = 0; i < 100; ++i) {
    verdicts->keep("s" + std::to_string(i), kModern);
    settle();
  }
  EXPECT_EQ(files.replaces(), 0U) << "a server has yet to answer its first call";
  wait_for_write();
  EXPECT_EQ(files.replaces(), 1U);
  EXPECT_THAT(text(), HasSubstr("s99 modern"));
}

TEST_F(EraVerdictsTest, TheEndWaitsForNoPause) {
  verdicts->keep("a", kModern);
  settle();
  const std::uint64_t before_ns = loop.now_ns();
  stop();
  EXPECT_EQ(loop.now_ns(), before_ns);
  EXPECT_EQ(files.replaces(), 1U);
  start();
}

TEST_F(EraVerdictsTest, TheOldestGiveWay) {
  verdicts->keep("first", kModern);
  loop.advance_ns(kNanosecondsPerSecond);
  for (std::size_t i = 0; i < kEraVerdictsMax; ++i) {
    verdicts->keep("s" + std::to_string(i), kModern);
  }
  EXPECT_EQ(verdicts->find("first"), std::nullopt);
  EXPECT_EQ(verdicts->find("s0"), kModern);
}

TEST_F(EraVerdictsTest, AnIdentityThatWouldBreakTheFileIsNotKept) {
  for (const std::string& identity :
       {std::string(), std::string("a b"), std::string("a\nb"), std::string(200, 'a')}) {
    verdicts->keep(identity, kModern);
    EXPECT_EQ(verdicts->find(identity), std::nullopt);
  }
  wait_for_write();
  EXPECT_EQ(files.replaces(), 0U);
}

TEST_F(EraVerdictsTest, WithoutAPlaceTheyAreKeptInMemory) {
  stop();
  start("");
  verdicts->keep("a", kModern);
  wait_for_write();
  EXPECT_EQ(verdicts->find("a"), kModern);
  EXPECT_EQ(files.replaces(), 0U);
}

TEST(EraVerdictsPathTest, IsInTheUsersCache) {
  EXPECT_EQ(era_verdicts_path("/c", "/home/u"), "/c/mcpwire/server-eras");
  EXPECT_EQ(era_verdicts_path("", "/home/u"), "/home/u/.cache/mcpwire/server-eras");
  EXPECT_EQ(era_verdicts_path("relative", "/home/u"), "/home/u/.cache/mcpwire/server-eras");
  EXPECT_EQ(era_verdicts_path("", ""), "");
}

}  // namespace
}  // namespace mcpwire::daemon
