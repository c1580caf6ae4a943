// SPDX-License-Identifier: MIT
//
// The end of a call, where the tool has run and something still goes wrong on our side.
#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/resource.h>

#include <csignal>
#include <string>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kPatienceNs = 60 * kNanosecondsPerSecond;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
constexpr bool kIsSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kIsSanitized = false;
#endif

class CliLastMomentTest : public CliFixture {
 protected:
  CliLastMomentTest() { use_demo_server(); }
};

TEST_F(CliLastMomentTest, ASignalEndsTheWaitForAReaderThatReadsNothing) {
  for (const int signal : {SIGINT, SIGTERM}) {
    RunningProgram call = start({"call", "demo/blob", R"({"bytes":20000000})"}, {});
    call.close_input();
    call.wait_for_output();
    const UniqueFd process = open_process(call.process_id());
    call.signal(signal);
    EXPECT_TRUE(wait_for_process_end(process, kPatienceNs));
    const Finished finished = call.finish();
    EXPECT_EQ(finished.exit_code, 128 + signal);
    EXPECT_THAT(finished.err, HasSubstr("exit code 0 had been reached before that"));
  }
}

/// Both signals are there at once, and so is the answer, when it goes on.
TEST_F(CliLastMomentTest, AnAnswerThatIsThereIsWrittenWhateverSignalsCame) {
  ASSERT_EQ(run({"list"}).exit_code, 0);
  RunningProgram call = start({"call", "demo/sleep", R"({"ms":4000})"}, {});
  call.close_input();
  for (int i = 0; i < 1000; ++i) {
    if (run({"info", "demo", "--json"}).out.find("\"calls\":1") != std::string::npos) break;
  }
  call.signal(SIGSTOP);
  // Answered after the other one, of the same server.
  ASSERT_EQ(run({"call", "demo/sleep", R"({"ms":5000})"}).exit_code, 0);
  call.signal(SIGINT);
  call.signal(SIGTERM);
  call.signal(SIGCONT);
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("4000"));
}

TEST_F(CliLastMomentTest, AClosedOutputIsFoundBeforeAnythingIsSent) {
  const UniqueFd unwritable(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Finished call =
      run({"call", "demo/ledger", R"({"token":"t"})"}, {.out_fd = unwritable.get()});
  EXPECT_EQ(call.exit_code, 1);
  EXPECT_THAT(call.err, HasSubstr("nothing was sent"));
  EXPECT_EQ(run({"daemon", "status"}).exit_code, 3) << "not even a daemon was started";
}

TEST_F(CliLastMomentTest, StandardInputIsWaitedForNoLongerThanAsked) {
  RunningProgram call = start({"call", "demo/fail", "--timeout", "100ms"}, {});
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_THAT(finished.err, HasSubstr("standard input brought no end of the arguments in time"));
}

TEST_F(CliLastMomentTest, AnEmptyStandardInputThatWasAskedForIsNoEmptyObject) {
  const Finished call = run({"call", "demo/fail", "-"}, {.input = ""});
  EXPECT_EQ(call.exit_code, 1);
  EXPECT_THAT(call.err, HasSubstr("is empty"));
  EXPECT_EQ(run({"call", "demo/fail"}, {.input = ""}).exit_code, 5);
}

TEST_F(CliLastMomentTest, ALocalErrorIsJsonWhereJsonWasAskedFor) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"call", "demo/echo", "{", "--json"},
        std::vector<std::string>{"-c", "nope.json", "list", "--json"}}) {
    const Finished finished = run(arguments);
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.out, HasSubstr(R"({"outcome":"not_sent","may_have_been_sent":false,)"));
    EXPECT_NE(finished.err, "");
  }
}

TEST_F(CliLastMomentTest, ADirectoryThatIsGoneMattersOnlyWhereItIsNeeded) {
  const std::string wrapper = work() + "/elsewhere";
  write_file(
      wrapper,
      "#!/bin/sh\nmkdir gone; cd gone; rmdir ../gone; exec '" + program("mcpwire") + "' \"$@\"\n",
      0700);
  const Finished call = run({"call", "demo/echo", R"({"message":"hi"})"}, {.program = wrapper});
  EXPECT_EQ(call.out, "hi\n") << call.err;
  EXPECT_EQ(run({"-c", "here.json", "list"}, {.program = wrapper}).exit_code, 1);
}

TEST_F(CliLastMomentTest, WantOfMemoryAfterTheToolRanIsSix) {
  if (kIsSanitized) GTEST_SKIP() << "a sanitizer needs all of the address space";
  ASSERT_EQ(run({"list"}).exit_code, 0);
  RunningProgram call = start({"call", "demo/blob", "-"}, {});
  const rlimit little{60'000'000, 60'000'000};
  ASSERT_EQ(::prlimit(call.process_id(), RLIMIT_AS, &little, nullptr), 0);
  call.write(R"({"bytes":50000000})");
  call.close_input();
  const Finished finished = call.finish();
  EXPECT_EQ(finished.exit_code, 6) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("it may have happened"));
}

}  // namespace
}  // namespace mcpwire::test
