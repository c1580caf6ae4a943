// SPDX-License-Identifier: MIT
#include "tools/mcpwire/patient_writer.hpp"

#include "tools/mcpwire/interrupt.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>

namespace mcpwire::cli {
namespace {

/// Between two of them a signal is looked for.
constexpr std::size_t kPartBytes = 1024 * 1024;

/// The same pipe or terminal; the mode of the descriptor itself is shared with other programs.
UniqueFd open_once_more(int fd) noexcept {
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
  return UniqueFd(::open(path.data(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

void PatientWriter::decide() noexcept {
  struct stat status{};
  signals_ = open_taken_signals();
  way_ = Way::kPlain;
  if (!signals_ || ::fstat(fd_, &status) != 0) return;
  if (S_ISSOCK(status.st_mode)) {
    way_ = Way::kSocket;
  } else if (S_ISFIFO(status.st_mode) || ::isatty(fd_) == 1) {
    opening_ = open_once_more(fd_);
    way_ = opening_ ? Way::kOwnOpening : Way::kSmallParts;
  }
}

long PatientWriter::write_part(std::string_view text) noexcept {
  const std::size_t bytes = std::min(text.size(), kPartBytes);
  switch (way_) {
    case Way::kOwnOpening:
      return ::write(opening_.get(), text.data(), bytes);
    case Way::kSocket:
      return ::send(fd_, text.data(), bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    case Way::kSmallParts:
      if (!wait_for_room()) return -1;
      return ::write(fd_, text.data(), std::min<std::size_t>(bytes, PIPE_BUF));
    case Way::kUndecided:
    case Way::kPlain:
      break;
  }
  return ::write(fd_, text.data(), bytes);
}

int PatientWriter::write_all(std::string_view text) noexcept {
  if (way_ == Way::kUndecided) decide();
  while (!text.empty()) {
    const long written = write_part(text);
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
      bool has_room = false;
      if (!text.empty() && was_signalled(0, has_room)) return EINTR;
    } else if (interrupted_by_ != 0) {
      return EINTR;
    } else if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      // Or somebody who shares the pipe or terminal made it non-blocking.
      if (!wait_for_room()) return EINTR;
    } else if (written < 0 && errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

bool PatientWriter::wait_for_room() noexcept {
  for (;;) {
    bool has_room = false;
    if (was_signalled(-1, has_room)) return false;
    if (has_room) return true;
  }
}

/// With room and a signal at the same time there is only room: the signal can wait.
bool PatientWriter::was_signalled(int wait_ms, bool& has_room) noexcept {
  std::array<pollfd, 2> waiting = {pollfd{fd_, POLLOUT, 0}, pollfd{signals_.get(), POLLIN, 0}};
  if (::poll(waiting.data(), waiting.size(), wait_ms) <= 0) return false;
  has_room = waiting[0].revents != 0;
  const bool in_between = wait_ms == 0;
  if (waiting[1].revents == 0 || (has_room && !in_between)) return false;
  signalfd_siginfo event{};
  if (::read(signals_.get(), &event, sizeof event) != sizeof event) return false;
  interrupted_by_ = static_cast<int>(event.ssi_signo);
  return true;
}

}  // namespace mcpwire::cli
