// SPDX-License-Identifier: MIT
#include "tools/mcpwire/output.hpp"

#include "daemon/config/escape.hpp"
#include "tools/mcpwire/last_words.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mcpwire::cli {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

std::size_t terminal_columns(int fd) noexcept {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

Output::Output(int fd) : writer_(fd), is_terminal_(::isatty(fd) == 1) {
  if (is_terminal_) columns_ = terminal_columns(fd);
}

Output& Output::own(std::string_view text) {
  if (text.size() >= kBufferBytes) {
    // From where it lies: a large result is not copied on its way out.
    flush();
    if (failure_ == 0) failure_ = writer_.write_all(text);
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

Output& Output::message(std::string_view text) {
  constexpr std::string_view kIndent = "  ";
  const std::string shown = config::escape_unprintable(text, config::LineBreaks::kKeep);
  std::string_view rest = shown;
  while (true) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    own(rest.substr(0, end));
    if (end == rest.size()) return *this;
    rest.remove_prefix(end + 1);
    own("\n");
    if (!rest.empty() && !rest.starts_with(kIndent)) own(kIndent);
  }
}

void Output::flush() noexcept {
  if (failure_ == 0) failure_ = writer_.write_all(buffer_);
  buffer_.clear();
}

protocol::ExitCode settle(Output& out, Output& err, protocol::ExitCode wanted) {
  out.flush();
  if (out.interrupted_by() != 0) {
    err.own("mcpwire: interrupted while nobody read the output, which is not whole; exit code ");
    err.own(std::to_string(static_cast<int>(wanted))).own(" had been reached before that\n");
  } else if (out.failure() != 0 && out.failure() != EPIPE) {
    err.own("mcpwire: standard output cannot be written: ").own(std::strerror(out.failure()));
    err.own("; what was asked for had ended with exit code ");
    err.own(std::to_string(static_cast<int>(wanted))).own("\n");
    if (wanted == protocol::ExitCode::kOk) wanted = own_failure_code();
  }
  err.flush();
  return wanted;
}

bool is_writable(int fd) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
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
