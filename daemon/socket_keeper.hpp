// SPDX-License-Identifier: MIT
//
// SocketKeeper: the socket at which the daemon listens, kept where clients look for it. A daemon
// whose socket file is removed (a cleaner of old files, a hand) would live on with nobody able to
// reach or end it: it listens anew. Where its lock file is gone as well another daemon may serve
// there by now, and this one only finishes what it has.
//
// Threading: the loop's thread.
#pragma once

#include "daemon/log.hpp"
#include "io/directory_watch.hpp"
#include "io/loop.hpp"
#include "io/seqpacket_listener.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "ring/runtime_directory.hpp"

#include <functional>
#include <memory>

#include <sys/stat.h>

namespace mcpwire::daemon {

class SocketKeeper final : private io::DirectoryWatch::Observer, private Timer {
 public:
  /// `directory` and `lock_fd` (the instance lock) outlive it, and so do the log and the observer.
  /// `on_lost`: the place is no longer ours, nobody can connect any more.
  SocketKeeper(io::Loop& loop, const ring::RuntimeDirectory& directory, int lock_fd, Log& log,
               io::SeqpacketListener::Observer& observer, std::function<void()> on_lost);
  ~SocketKeeper();
  SocketKeeper(const SocketKeeper&) = delete;
  SocketKeeper& operator=(const SocketKeeper&) = delete;

  /// REQUIRES: the lock is held. Before other threads exist (umask).
  Result<void> listen();

  /// Removes the socket, unless it is another's by now, and listens no more.
  void close();

 private:
  void on_directory_changed() override;
  void on_timer() override;
  bool is_place_ours() const;
  bool is_socket_there() const;

  io::Loop& loop_;
  const ring::RuntimeDirectory& directory_;
  int lock_fd_;
  Log& log_;
  io::SeqpacketListener::Observer& observer_;
  std::function<void()> on_lost_;
  std::unique_ptr<io::DirectoryWatch> watch_;
  std::unique_ptr<io::SeqpacketListener> listener_;
  struct stat bound_{};  ///< The socket file as it was made.
};

}  // namespace mcpwire::daemon
