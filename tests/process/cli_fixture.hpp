// SPDX-License-Identifier: MIT
//
// CliFixture: the built programs in surroundings of the test's own: home, runtime directory and
// working directory are temporary, and the daemon is stopped at the end.
//
// Threading: one thread.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::test {

struct Finished {
  int exit_code = -1;  ///< 128 + the signal's number if one ended it.
  std::string out;
  std::string err;
};

/// A started program with pipes at its three standard descriptors (or what the test put there).
class RunningProgram {
 public:
  RunningProgram(pid_t process_id, UniqueFd in, UniqueFd out, UniqueFd err) noexcept
      : process_id_(process_id), in_(std::move(in)), out_(std::move(out)), err_(std::move(err)) {}
  RunningProgram(RunningProgram&&) = delete;
  ~RunningProgram();

  pid_t process_id() const noexcept { return process_id_; }
  void signal(int number) const;
  /// Waits until it has printed something, and leaves that unread.
  void wait_for_output() const;
  void write(std::string_view text);
  void close_input() { in_.reset(); }
  /// Reads what it prints until `part` has come; all of it so far.
  const std::string& await(std::string_view part);
  /// Nobody reads what it prints from now on.
  void close_output() { out_.reset(); }
  /// Reads both outputs to their ends and reaps. A program that hangs is killed after a minute.
  Finished finish();

 private:
  pid_t process_id_;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  std::string seen_;  ///< By await(); part of what finish() gives.
};

/// A terminal of the test's own: programs get `inner`, the test is the person at `outer`.
struct Terminal {
  Terminal();
  void type(std::string_view text) const;
  /// What has been printed and not yet been seen. Blocks until there is something.
  std::string see() const;
  /// Reads until `part` has been printed; all that was read.
  std::string await(std::string_view part) const;
  UniqueFd outer;
  UniqueFd inner;
};

class CliFixture : public ::testing::Test {
 protected:
  CliFixture();
  ~CliFixture() override;

  struct Launch {
    std::optional<std::string> input = "";  ///< Nothing: the input stays open.
    int in_fd = -1;                         ///< Instead of a pipe; -1: a pipe.
    int out_fd = -1;                        ///< Likewise.
    int err_fd = -1;                        ///< Likewise.
    std::string directory;                  ///< Empty: work().
    std::string program = "mcpwire";        ///< Or another one of those built, or a path.
  };
  /// The program with these arguments.
  RunningProgram start(const std::vector<std::string>& arguments, const Launch& launch);
  Finished run(const std::vector<std::string>& arguments, const Launch& launch);
  Finished run(const std::vector<std::string>& arguments) { return run(arguments, Launch{}); }

  /// 0 where no daemon runs.
  pid_t daemon_pid();

  /// Writes a configuration with the demo server and makes it the one that is used.
  void use_demo_server();
  void use_configuration(const std::string& text);
  void write_file(const std::string& path, const std::string& text, unsigned mode = 0600);
  std::string read_file(const std::string& path);

  std::string work() const { return root_ + "/work"; }
  std::string home() const { return root_ + "/home"; }
  static std::string program(const std::string& name);

  std::map<std::string, std::string> environment;

 private:
  std::string root_;
};

}  // namespace mcpwire::test
