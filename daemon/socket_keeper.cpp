// SPDX-License-Identifier: MIT
#include "daemon/socket_keeper.hpp"

#include <unistd.h>

#include <string>
#include <utility>

namespace mcpwire::daemon {
namespace {

/// Whoever removes the socket may be about to remove the whole directory: what comes of it is
/// looked at when it is over.
constexpr std::uint64_t kSettleNs = 100 * kNanosecondsPerMillisecond;

bool is_same_file(const struct stat& one, const struct stat& other) noexcept {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

SocketKeeper::SocketKeeper(io::Loop& loop, const ring::RuntimeDirectory& directory, int lock_fd,
                           Log& log, io::SeqpacketListener::Observer& observer,
                           std::function<void()> on_lost)
    : loop_(loop),
      directory_(directory),
      lock_fd_(lock_fd),
      log_(log),
      observer_(observer),
      on_lost_(std::move(on_lost)) {}

SocketKeeper::~SocketKeeper() { loop_.disarm(*this); }

Result<void> SocketKeeper::listen() {
  if (watch_ == nullptr) {
    // Before the socket exists, so that nobody can remove it unseen.
    auto watch = io::DirectoryWatch::create(loop_, directory_.path(), *this);
    if (watch) {
      watch_ = std::move(*watch);
    } else {
      log_.warn("the socket is not looked after, should somebody remove it: " +
                watch.error().message());
    }
  }
  UniqueFd socket = TRY(io::create_listening_socket(directory_.socket_path()));
  if (::lstat(directory_.socket_path().c_str(), &bound_) != 0) bound_ = {};
  listener_ = std::make_unique<io::SeqpacketListener>(loop_, std::move(socket), observer_);
  listener_->start();
  return {};
}

void SocketKeeper::close() {
  watch_.reset();
  loop_.disarm(*this);
  if (is_socket_there()) ::unlink(directory_.socket_path().c_str());
  if (listener_ != nullptr) listener_->close();
}

void SocketKeeper::on_directory_changed() { loop_.arm(*this, loop_.now_ns() + kSettleNs); }

void SocketKeeper::on_timer() {
  if (!is_place_ours()) {
    log_.warn("the lock in " + directory_.path() + " is gone: nobody finds this daemon any more");
    close();
    return on_lost_();
  }
  if (is_socket_there()) return;
  if (const Result<void> again = listen(); again.has_value()) {
    log_.warn("the socket was removed; listening anew");
  } else {
    observer_.on_listener_failed(again.error());
  }
}

bool SocketKeeper::is_place_ours() const {
  struct stat held{};
  struct stat found{};
  const std::string path = directory_.path() + "/daemon.lock";
  return ::fstat(lock_fd_, &held) == 0 && ::lstat(path.c_str(), &found) == 0 &&
         is_same_file(held, found);
}

bool SocketKeeper::is_socket_there() const {
  struct stat found{};
  return ::lstat(directory_.socket_path().c_str(), &found) == 0 && is_same_file(found, bound_);
}

}  // namespace mcpwire::daemon
