// SPDX-License-Identifier: MIT
#include "tools/demo_server/stdio_host.hpp"

#include "protocol/base/seams/clock.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mcpwire::demo {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
/// A line longer than this ends the server: no client of ours sends one.
constexpr std::size_t kLineBytesMax = std::size_t{256} << 20;
/// What a large answer or line leaves allocated.
constexpr std::size_t kKeptBytesMax = std::size_t{1} << 20;

}  // namespace

int StdioHost::run() {
  for (;;) {
    if (await_input() == Wait::kTime) {
      session_.on_time(monotonic_ns());
      if (!flush()) return 1;
      continue;
    }
    if (end_ == buffer_.size()) buffer_.resize(std::max(kReadBytes, buffer_.size() * 2));
    const ssize_t got = ::read(STDIN_FILENO, buffer_.data() + end_, buffer_.size() - end_);
    if (got == 0) return 0;
    if (got < 0) {
      if (errno != EINTR && errno != EAGAIN) return 1;
      must_poll_ = errno == EAGAIN;
      continue;
    }
    end_ += static_cast<std::size_t>(got);
    take_lines();
    // Input that never pauses must not hold up what is due.
    if (session_.next_due_ns() != kNever) session_.on_time(monotonic_ns());
    if (!flush() || end_ > kLineBytesMax) return 1;
  }
}

/// Blocks in read() itself where nothing is timed. O_NONBLOCK belongs to the open file, and whoever
/// started us may have set it: then a read comes back empty, and poll() does the waiting.
StdioHost::Wait StdioHost::await_input() noexcept {
  const std::uint64_t due_ns = session_.next_due_ns();
  if (due_ns == kNever && !must_poll_) return Wait::kInput;
  timespec timeout{};
  if (due_ns != kNever) {
    const std::uint64_t now_ns = monotonic_ns();
    const std::uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
    timeout.tv_sec = static_cast<time_t>(left_ns / kNanosecondsPerSecond);
    timeout.tv_nsec = static_cast<long>(left_ns % kNanosecondsPerSecond);
  }
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const int ready = ::ppoll(&input, 1, due_ns == kNever ? nullptr : &timeout, nullptr);
  return ready > 0 || due_ns == kNever ? Wait::kInput : Wait::kTime;
}

void StdioHost::take_lines() {
  for (;;) {
    const void* found = std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_);
    if (found == nullptr) break;
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
    session_.on_line({buffer_.data() + begin_, newline - begin_});
    begin_ = scanned_ = newline + 1;
  }
  // Moves what is left to the front: usually nothing.
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  scanned_ = end_;
  if (end_ == 0 && buffer_.size() > kKeptBytesMax) {
    buffer_.resize(kReadBytes);
    buffer_.shrink_to_fit();
  }
}

bool StdioHost::flush() {
  if (out_.empty()) return true;
  const bool is_written = write_all(STDOUT_FILENO, out_);
  out_.clear();
  if (out_.capacity() > kKeptBytesMax) out_.shrink_to_fit();
  return is_written;
}

void StdioHost::crash(std::string_view answers) noexcept {
  static_cast<void>(write_all(STDOUT_FILENO, answers));
  ::_exit(1);
}

}  // namespace mcpwire::demo
