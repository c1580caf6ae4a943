// SPDX-License-Identifier: MIT
//
// ScriptedDaemon: the daemon's end of real connections, on a loop and thread of its own, whose
// sessions do what the called tool's name says. What a session may do is in kTools of the .cpp.
//
// Threading: the public functions from the test's thread.
#pragma once

#include "io/client_channel.hpp"
#include "ring/runtime_directory.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace mcpwire::test_support {

/// A private runtime directory, removed with all that is in it.
class TemporaryRuntimeDirectory {
 public:
  TemporaryRuntimeDirectory();
  ~TemporaryRuntimeDirectory();
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

class ScriptedDaemon {
 public:
  explicit ScriptedDaemon(const std::string& runtime_directory,
                          io::ChannelHostOptions options = {});
  /// Ends as a killed daemon does: its connections and its listener close at once.
  ~ScriptedDaemon();

  /// Connections accepted so far.
  int connections() const noexcept { return connections_.load(std::memory_order_relaxed); }
  /// tools/call requests seen so far, repeated ones included.
  int calls() const noexcept { return calls_.load(std::memory_order_relaxed); }
  int cancels() const noexcept { return cancels_.load(std::memory_order_relaxed); }
  int pings() const noexcept { return pings_.load(std::memory_order_relaxed); }
  /// Held calls that could be begun after a thaw.
  int begun() const noexcept { return begun_.load(std::memory_order_relaxed); }
  /// Returns once a call has made the daemon's thread stand still.
  void await_freeze() const { is_frozen_.wait(false, std::memory_order_acquire); }
  /// Lets it go on.
  void thaw();
  /// The first `count` connections end before they are answered.
  void reset_connections(int count) { resets_left_.store(count, std::memory_order_relaxed); }
  /// Returns once the daemon's thread has seen `count` calls.
  void await_calls(int count) const;
  /// Returns once so many connections have rings at the end of a turn.
  void await_rings(int count) const;

 private:
  friend class ScriptedSession;
  class Server;
  void freeze();
  void run(const std::string& runtime_directory, const io::ChannelHostOptions& options);

  std::atomic<int> connections_{0};
  std::atomic<int> calls_{0};
  std::atomic<int> cancels_{0};
  std::atomic<int> pings_{0};
  std::atomic<int> begun_{0};
  std::atomic<int> rings_{0};
  std::atomic<bool> is_frozen_{false};
  std::atomic<int> resets_left_{0};
  std::atomic<bool> is_listening_{false};
  UniqueFd stop_fd_;
  std::thread thread_;
};

}  // namespace mcpwire::test_support
