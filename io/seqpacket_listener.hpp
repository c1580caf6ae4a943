// SPDX-License-Identifier: MIT
//
// SeqpacketListener: accepts connections on the daemon's socket and lets only processes of the same
// user in.
//
// Threading: the loop's thread.
// Invariants: running out of descriptors does not stop it: it drops one waiting connection with a
// descriptor kept for that (its client sees the end at once instead of hanging) and pauses 100 ms.
#pragma once

#include "io/detail/op.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace mcpwire::io {

/// Binds and listens at `path`, mode 0700. An old socket at that place is removed, so only the
/// holder of the daemon's lock may call it, and only before it creates threads (umask).
/// ErrorCode::kRuntimePathTooLong says the byte counts.
Result<UniqueFd> create_listening_socket(const std::string& path);

class SeqpacketListener {
 public:
  class Observer {
   public:
    /// A connected, non-blocking socket of a process of our own user.
    virtual void on_connection(UniqueFd socket) = 0;
    /// Listening ended; nothing follows.
    virtual void on_listener_failed(const Error& why) = 0;
    /// A client was turned away because this process has no descriptor left; the first time only.
    virtual void on_out_of_descriptors() {}

   protected:
    ~Observer() = default;
  };

  static constexpr std::uint64_t kPauseNs = 100 * kNanosecondsPerMillisecond;

  /// `socket` listens already (created here or handed over by a service manager). `observer`
  /// outlives the listener and may destroy it.
  SeqpacketListener(Loop& loop, UniqueFd socket, Observer& observer);
  ~SeqpacketListener();
  SeqpacketListener(const SeqpacketListener&) = delete;
  SeqpacketListener& operator=(const SeqpacketListener&) = delete;

  void start();
  void close() noexcept;

  /// Connections of other users that were turned away.
  std::uint64_t refused() const noexcept;
  /// Connections that were dropped for want of descriptors.
  std::uint64_t shed() const noexcept;

 private:
  class Accepting;
  detail::OpPtr<Accepting> accepting_;
};

}  // namespace mcpwire::io
