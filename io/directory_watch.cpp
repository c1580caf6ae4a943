// SPDX-License-Identifier: MIT
#include "io/directory_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace mcpwire::io {

Result<std::unique_ptr<DirectoryWatch>> DirectoryWatch::create(Loop& loop, const std::string& path,
                                                               Observer& observer) {
  constexpr std::uint32_t kLosses =
      IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd || ::inotify_add_watch(fd.get(), path.c_str(), kLosses) < 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "inotify"));
  }
  return std::unique_ptr<DirectoryWatch>(new DirectoryWatch(loop, std::move(fd), observer));
}

DirectoryWatch::DirectoryWatch(Loop& loop, UniqueFd fd, Observer& observer)
    : fd_(std::move(fd)), observer_(observer), watcher_(loop, fd_.get(), *this) {
  watcher_.start(WatchMode::kOnce);
}

void DirectoryWatch::on_ready(unsigned /*events*/) {
  std::array<char, 4096> events;  // Which they are does not matter.
  const ssize_t got = ::read(fd_.get(), events.data(), events.size());
  const bool goes_on = got > 0 || errno == EAGAIN || errno == EINTR;
  // Armed again first, because the observer may destroy this watch.
  if (goes_on) watcher_.start(WatchMode::kOnce);
  observer_.on_directory_changed();
}

}  // namespace mcpwire::io
