// SPDX-License-Identifier: MIT
#include "tools/mcpwire/output.hpp"

#include "protocol/base/unique_fd.hpp"
#include "tools/mcpwire/interrupt.hpp"
#include "tools/mcpwire/process_exit.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
  }
  std::string contents() {
    write_end.reset();
    std::string text;
    std::array<char, 4096> piece;
    ssize_t bytes = 0;
    while ((bytes = ::read(read_end.get(), piece.data(), piece.size())) > 0) {
      text.append(piece.data(), static_cast<std::size_t>(bytes));
    }
    return text;
  }
  UniqueFd read_end;
  UniqueFd write_end;
};

/// The far end of a terminal of the test's own.
struct Terminal {
  Terminal() : outer(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(outer.get()), 0);
    EXPECT_EQ(::unlockpt(outer.get()), 0);
    inner.reset(::open(::ptsname(outer.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  std::string contents() {
    std::array<char, 4096> piece;
    const ssize_t bytes = ::read(outer.get(), piece.data(), piece.size());
    return std::string(piece.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  }
  UniqueFd outer;
  UniqueFd inner;
};

TEST(OutputTest, APipeGetsEveryByteAsItIs) {
  Pipe pipe;
  {
    Output out(pipe.write_end.get());
    EXPECT_FALSE(out.is_terminal());
    out.own("a\n").foreign("\x1b[31m\xff\x00z").foreign_line("b\nc");
  }
  EXPECT_EQ(pipe.contents(),
            "a\n\x1b[31m\xff"
            "b\\nc");
}

TEST(OutputTest, ATerminalGetsNoEscapeSequencesOfOthers) {
  Terminal terminal;
  Output out(terminal.inner.get());
  EXPECT_TRUE(out.is_terminal());
  out.foreign("\x1b[2Jx\ny").flush();
  EXPECT_EQ(terminal.contents(), "\\x1b[2Jx\r\ny");
}

TEST(OutputTest, WritesMoreThanAPipeHolds) {
  Pipe pipe;
  std::string read;
  std::thread reader([&] {
    std::array<char, 4096> piece;
    ssize_t bytes = 0;
    while ((bytes = ::read(pipe.read_end.get(), piece.data(), piece.size())) > 0) {
      read.append(piece.data(), static_cast<std::size_t>(bytes));
    }
  });
  {
    // Somebody else made the pipe non-blocking.
    ::fcntl(pipe.write_end.get(), F_SETFL, O_NONBLOCK);
    Output out(pipe.write_end.get());
    for (int i = 0; i < 1000; ++i) out.own(std::string(999, 'x')).own("\n");
  }
  pipe.write_end.reset();
  reader.join();
  EXPECT_EQ(read.size(), 1'000'000u);
}

TEST(OutputTest, AReaderThatLeftChangesNoExitCode) {
  ignore_write_signals();
  Pipe pipe;
  Pipe messages;
  pipe.read_end.reset();
  Output out(pipe.write_end.get());
  Output err(messages.write_end.get());
  out.own("text");
  EXPECT_EQ(settle(out, err, ExitCode::kOk), ExitCode::kOk);
  EXPECT_EQ(out.failure(), EPIPE);
  EXPECT_EQ(settle(out, err, ExitCode::kToolError), ExitCode::kToolError);
  EXPECT_EQ(messages.contents(), "");
}

TEST(OutputTest, AFullDiskIsAnErrorWithAMessage) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  Pipe messages;
  Output out(full.get());
  Output err(messages.write_end.get());
  out.own("text");
  EXPECT_EQ(settle(out, err, ExitCode::kOk), ExitCode::kNotSent);
  EXPECT_EQ(settle(out, err, ExitCode::kUnknown), ExitCode::kUnknown) << "it says more";
  EXPECT_NE(messages.contents().find("No space left on device"), std::string::npos);
}

TEST(OutputTest, ADescriptorThatCannotBeWrittenIsAnError) {
  const UniqueFd read_only(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Pipe messages;
  Output out(read_only.get());
  Output err(messages.write_end.get());
  EXPECT_EQ(settle(out, err, ExitCode::kOk), ExitCode::kOk) << "nothing was to be written";
  out.own("text");
  EXPECT_EQ(settle(out, err, ExitCode::kOk), ExitCode::kNotSent);
}

/// What a shell does for a program in the foreground; a test may run in the background.
void take_default(int signal) { ::signal(signal, SIG_DFL); }

TEST(OutputTest, AMessageCannotForgeALine) {
  Pipe pipe;
  {
    Output output(pipe.write_end.get());
    output.own("mcpwire: ").message("no luck\nmcpwire: all is well\r\x1b[2J\n  place\n").own("\n");
  }
  EXPECT_EQ(pipe.contents(), "mcpwire: no luck\n  mcpwire: all is well\\r\\x1b[2J\n  place\n\n");
}

TEST(InterruptTest, ASignalBecomesAnEventAndNothingElse) {
  take_default(SIGINT);
  const Interrupt interrupt;
  ASSERT_GE(interrupt.fd(), 0);
  pollfd waiting{interrupt.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  ::raise(SIGINT);
  EXPECT_EQ(::poll(&waiting, 1, 0), 1);
  std::array<char, 128> event;
  EXPECT_EQ(::read(interrupt.fd(), event.data(), event.size()), 128);
}

TEST(InterruptTest, WhatTheParentIgnoredStaysIgnored) {
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before{};
  ::sigaction(SIGINT, &ignore, &before);
  {
    const Interrupt interrupt;
    ::raise(SIGINT);
    pollfd waiting{interrupt.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  }
  ::sigaction(SIGINT, &before, nullptr);
}

TEST(InterruptTest, ASignalThatComesAfterwardsEndsNothingByItself) {
  EXPECT_EXIT(
      {
        take_default(SIGTERM);
        {
          const Interrupt interrupt;
          ::raise(SIGTERM);
        }
        ::raise(SIGTERM);
        ::_exit(7);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(ProcessWatchTest, EndsWhenTheProcessDoes) {
  Pipe hold;
  const pid_t child = ::fork();
  if (child == 0) {
    hold.write_end.reset();
    char byte = 0;
    static_cast<void>(::read(hold.read_end.get(), &byte, 1));
    ::_exit(0);
  }
  hold.read_end.reset();
  const auto watch = ProcessWatch::open(child);
  ASSERT_TRUE(watch.has_value());
  EXPECT_EQ(watch->wait(0, -1).error().kind, ErrorKind::kTimeout);
  hold.write_end.reset();
  EXPECT_TRUE(watch->wait(~std::uint64_t{0}, -1).has_value());
  ::waitpid(child, nullptr, 0);
}

TEST(ProcessWatchTest, AnInterruptionEndsTheWait) {
  const auto watch = ProcessWatch::open(::getpid());
  ASSERT_TRUE(watch.has_value());
  Pipe pipe;
  ASSERT_EQ(::write(pipe.write_end.get(), "x", 1), 1);
  EXPECT_EQ(watch->wait(~std::uint64_t{0}, pipe.read_end.get()).error().kind,
            ErrorKind::kCancelled);
}

TEST(ProcessWatchTest, AProcessThatIsNotThereIsAnError) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(ProcessWatch::open(child).has_value());
}

}  // namespace
}  // namespace mcpwire::cli
