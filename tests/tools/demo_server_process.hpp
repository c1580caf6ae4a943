// SPDX-License-Identifier: MIT
//
// DemoServer: mcpwire-demo-server as a child process of a test, with its three pipes.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace mcpwire::demo::test {

using nlohmann::json;

enum class Pipes : std::uint8_t { kBlocking, kNonBlocking };

/// The content of a result that is one text.
inline json text_content(std::string_view text) {
  return json::array({{{"type", "text"}, {"text", text}}});
}

class DemoServer {
 public:
  /// `environment` is complete, as NAME=value. Fails the test if the server cannot be started.
  explicit DemoServer(std::vector<std::string> environment = {}, Pipes pipes = Pipes::kBlocking);
  /// Kills the process if it still runs.
  ~DemoServer();
  DemoServer(const DemoServer&) = delete;
  DemoServer& operator=(const DemoServer&) = delete;

  /// Writes `text` as it is.
  void write(std::string_view text);
  void send(const json& message) { write(message.dump() + "\n"); }

  /// The next line of standard output, without its newline; empty at its end. A watchdog ends a
  /// test that waits for ever.
  std::string read_line();
  json receive() { return json::parse(read_line()); }

  /// Sends a request, and receives one message.
  json ask(json id, std::string_view method, json params = json::object());
  json call(json id, std::string_view tool, json arguments = json::object());

  /// initialize and initialized, in this revision.
  void initialize(std::string_view revision);

  void close_input() { input_.reset(); }
  /// All of standard error up to its end.
  std::string read_error();
  /// Waits for the end; the exit status, or minus the signal's number.
  int wait();

 private:
  bool fill(int fd, std::string& buffer);

  UniqueFd input_;
  UniqueFd output_;
  UniqueFd error_;
  std::string buffer_;
  pid_t pid_ = -1;
};

}  // namespace mcpwire::demo::test
