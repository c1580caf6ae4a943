// SPDX-License-Identifier: MIT
#include "tools/mcpwire/output.hpp"

#include "daemon/config/escape.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mcpwire::cli {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

std::size_t terminal_columns(int fd) noexcept {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// 0, or the errno of what failed.
int write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      // Somebody who shares the pipe or terminal made it non-blocking.
      pollfd waiting{fd, POLLOUT, 0};
      ::poll(&waiting, 1, -1);
    } else if (written < 0 && errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

Output::Output(int fd) : fd_(fd), is_terminal_(::isatty(fd) == 1) {
  if (is_terminal_) columns_ = terminal_columns(fd);
}

Output& Output::own(std::string_view text) {
  if (text.size() >= kBufferBytes) {
    // From where it lies: a large result is not copied on its way out.
    flush();
    if (failure_ == 0) failure_ = write_all(fd_, text);
    return *this;
  }
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
  return *this;
}

Output& Output::foreign(std::string_view text) {
  if (!is_terminal_) return own(text);
  return own(config::escape_unprintable(text, config::LineBreaks::kKeep));
}

Output& Output::foreign_line(std::string_view text) {
  return own(config::escape_unprintable(text, config::LineBreaks::kEscape));
}

void Output::flush() noexcept {
  if (failure_ == 0) failure_ = write_all(fd_, buffer_);
  buffer_.clear();
}

protocol::ExitCode settle(Output& out, Output& err, protocol::ExitCode wanted) {
  out.flush();
  if (out.failure() != 0 && out.failure() != EPIPE) {
    err.own("mcpwire: standard output cannot be written: ").own(std::strerror(out.failure()));
    err.own("\n");
    if (wanted == protocol::ExitCode::kOk) wanted = protocol::ExitCode::kUsage;
  }
  err.flush();
  return wanted;
}

void occupy_standard_descriptors() noexcept {
  // open() takes the lowest free number, so each closed one is filled in turn.
  while (true) {
    const int fd = ::open("/dev/null", O_RDONLY);
    if (fd < 0) return;
    if (fd > 2) {
      ::close(fd);
      return;
    }
  }
}

}  // namespace mcpwire::cli
