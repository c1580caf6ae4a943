// SPDX-License-Identifier: MIT
//
// NodeServer: an MCP server that listens on a port, as a child process of the test. What it writes
// is read all the time and can be waited for. It is gone with the object, and with the test's
// process.
//
// Threading: one thread besides the object's own, which reads.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace mcpwire::test {

/// A port of the loopback interface that nobody uses at this moment.
std::uint16_t free_port();

struct NodeCommand {
  std::vector<std::string> arguments;    ///< The node program first.
  std::vector<std::string> environment;  ///< NAME=value, beside the test's own.
  std::string ready;                     ///< What it writes when it listens.
};

class NodeServer {
 public:
  /// Nothing runs yet.
  explicit NodeServer(NodeCommand command) : command_(std::move(command)) {}
  NodeServer(const NodeServer&) = delete;
  NodeServer& operator=(const NodeServer&) = delete;
  ~NodeServer() { stop(); }

  /// Returns when it listens; fails the test if it ends before.
  void start();
  /// kill -9, and waits for its end. Does nothing where none runs.
  void stop();
  /// Blocks until it has written `text` since start(); false if it ends without.
  bool wait_for(std::string_view text);

 private:
  void read_output();

  NodeCommand command_;
  pid_t process_ = -1;
  UniqueFd output_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;       ///< Under the mutex.
  bool has_ended_ = true;  ///< Likewise.
  std::thread reader_;
};

}  // namespace mcpwire::test
