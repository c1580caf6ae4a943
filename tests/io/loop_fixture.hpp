// SPDX-License-Identifier: MIT
//
// LoopFixture: a real loop per test: with all features of this kernel, with those of Linux 6.1, and
// on epoll; pipes and recorders to watch streams with.
#pragma once

#include "io/fd_stream.hpp"
#include "io/kernel_features.hpp"
#include "io/loop.hpp"
#include "io/signal_watcher.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::io {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

inline Pipe make_pipe() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// Writes `text` from the test's side; it must fit.
inline void put(const UniqueFd& fd, std::string_view text) {
  ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

/// What is in the pipe now, without waiting for more. Empty also at its end.
inline std::string take_available(const UniqueFd& fd) {
  const int flags = fcntl(fd.get(), F_GETFL);
  fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
  std::string all;
  char chunk[65536];
  for (;;) {
    const ssize_t bytes = read(fd.get(), chunk, sizeof chunk);
    if (bytes <= 0) break;
    all.append(chunk, static_cast<std::size_t>(bytes));
  }
  fcntl(fd.get(), F_SETFL, flags);
  return all;
}

/// Text in which no block looks like another.
inline std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t index = 0; index < bytes; ++index) {
    text[index] = static_cast<char>('a' + (index * 7 + index / 251) % 26);
  }
  return text;
}

class RecordingSink final : public ByteReader::Sink {
 public:
  void on_bytes(ByteSpan bytes) override {
    text.append(as_text(bytes));
    ++chunks;
  }
  void on_read_end(const Error& why) override { end = why; }
  std::string text;
  std::size_t chunks = 0;
  std::optional<Error> end;
};

class RecordingCompletion final : public ByteWriter::Completion {
 public:
  void on_written(std::size_t bytes, const Error* failure) override {
    ++calls;
    written = bytes;
    if (failure != nullptr) error = *failure;
  }
  int calls = 0;
  std::size_t written = 0;
  std::optional<Error> error;
};

/// What the loop under test runs on.
struct LoopVariant {
  const char* name;
  BackendKind backend;
  std::uint32_t hidden_features;
};

inline constexpr LoopVariant kLoopVariants[] = {
    {"AllFeatures", BackendKind::kUring, 0},
    {"Kernel61", BackendKind::kUring, kKernel61Mask},
    {"Epoll", BackendKind::kEpoll, 0},
};

inline void PrintTo(const LoopVariant& variant, std::ostream* out) { *out << variant.name; }

class LoopFixture : public ::testing::TestWithParam<LoopVariant> {
 protected:
  void SetUp() override {
    ignore_write_signals();
    make_loop({});
  }

  /// A loop with other options than the default ones, with the features under test.
  void make_loop(LoopOptions options) {
    options.backend = GetParam().backend;
    options.hidden_features = GetParam().hidden_features;
    loop_.reset();
    Result<std::unique_ptr<Loop>> loop = Loop::create(options);
    ASSERT_TRUE(loop.has_value()) << loop.error().message();
    loop_ = std::move(loop).value();
  }

  /// Turns until `done()`. A test that hangs is ended by CTest's time limit.
  template <class Done>
  void run_until(Done&& done) {
    while (!done()) loop_->run_once(kNever);
  }

  /// Turns without blocking until nothing happens any more.
  void settle() {
    for (int idle_turns = 0; idle_turns < 3;) idle_turns = loop_->run_once(0) ? 0 : idle_turns + 1;
  }

  bool is_on_epoll() const { return GetParam().backend == BackendKind::kEpoll; }

  std::unique_ptr<Loop> loop_;
};

inline std::string variant_name(const ::testing::TestParamInfo<LoopVariant>& info) {
  return info.param.name;
}

}  // namespace mcpwire::io

#define MCPWIRE_INSTANTIATE_ON_KERNELS(suite)                                                 \
  INSTANTIATE_TEST_SUITE_P(Kernels, suite, ::testing::ValuesIn(::mcpwire::io::kLoopVariants), \
                           ::mcpwire::io::variant_name)
