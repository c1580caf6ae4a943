// SPDX-License-Identifier: MIT
//
// DaemonFixture: CliFixture with a view of the processes behind the commands, and servers that are
// shell scripts.
//
// Threading: one thread.
#pragma once

#include "protocol/base/process_fd.hpp"
#include "protocol/base/seams/clock.hpp"
#include "tests/process/cli_fixture.hpp"

#include <string>
#include <vector>

namespace mcpwire::test {

/// Ends a test that hangs; no assertion about time.
inline constexpr std::uint64_t kPatienceNs = 60 * kNanosecondsPerSecond;

class DaemonFixture : public CliFixture {
 protected:
  /// 0 where none runs.
  pid_t daemon_pid();
  /// Processes whose parent is `parent`, zombies left out.
  static std::vector<pid_t> children_of(pid_t parent);
  /// Children of `parent` whose command line contains `text`.
  static std::vector<pid_t> children_like(pid_t parent, const std::string& text);
  static bool is_running(pid_t process_id);
  static std::string command_line_of(pid_t process_id);

  /// Writes an executable script into work() and returns its path.
  std::string write_script(const std::string& name, const std::string& body);
  /// A configuration of one server `demo` with this command and these further members, e.g.
  /// `"timeout":1`.
  void use_server(const std::string& command, const std::string& members = {});

  std::string demo_server() const { return program("mcpwire-demo-server"); }
  std::string run_directory() { return environment["MCPWIRE_RUNTIME_DIR"]; }
  std::string log() { return read_file(run_directory() + "/daemon.log"); }
  Finished echo(const std::string& message = "hi") {
    return run({"call", "demo/echo", R"({"message":")" + message + R"("})"});
  }
};

}  // namespace mcpwire::test
