// SPDX-License-Identifier: MIT
#include "tools/mcp-bench/process_time.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>

namespace mcpwire::bench_tool {
namespace {

/// posix_spawn's attributes for a command whose output nobody reads.
class QuietActions {
 public:
  QuietActions() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  ~QuietActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  QuietActions(const QuietActions&) = delete;
  QuietActions& operator=(const QuietActions&) = delete;
  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Result<LatencySummary> measure_process(const std::vector<std::string>& command,
                                       std::size_t iterations) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const QuietActions actions;
  LatencyOptions options;
  options.iterations = iterations;
  return time_round_trips(options, [&]() -> Result<void> {
    pid_t process = -1;
    const int failure =
        ::posix_spawnp(&process, arguments[0], actions.get(), nullptr, arguments.data(), environ);
    if (failure != 0) {
      return fail(Error::from_errno(ErrorKind::kConfiguration, failure, command.front()));
    }
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified,
                command.front() + " did not exit with 0");
  });
}

}  // namespace mcpwire::bench_tool
