// SPDX-License-Identifier: MIT
//
// mcpwired: the daemon. Started by the first client that needs it; people use
// `mcpwire daemon start|status|stop`. Under a second name on its command line it is the guardian,
// which outlives it by a moment to end the servers.
#include "daemon/era_verdicts.hpp"
#include "daemon/inherited_limits.hpp"
#include "daemon/options.hpp"
#include "daemon/runtime.hpp"
#include "io/guardian_main.hpp"
#include "io/kernel_features.hpp"
#include "io/signal_watcher.hpp"
#include "io/warden.hpp"
#include "protocol/outcome.hpp"
#include "protocol/version.hpp"
#include "tools/detail/help_format.hpp"

#include <spawn.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace mcpwire;
using daemon::DaemonOptions;

/// Added by start_detached(); no person's to give.
constexpr const char* kDetachedFlag = "--detached";

/// What the daemon has to tell whoever started it: one line, then end of file.
class Readiness {
 public:
  explicit Readiness(int fd) noexcept : fd_(fd) {}
  /// False if whoever started us has given up meanwhile. Needs SIGPIPE ignored.
  bool tell(const std::string& line) {
    if (!fd_) return true;
    const ssize_t written = ::write(fd_.get(), line.data(), line.size());
    const bool is_heard = written >= 0 || errno != EPIPE;
    fd_.reset();
    return is_heard;
  }

 private:
  UniqueFd fd_;
};

/// CLI::Range prints its limits with six decimals.
CLI::Validator seconds_between(double least, double most) {
  return {[least, most](const std::string& text) {
            double seconds = 0;
            const char* const end = text.data() + text.size();
            const auto [rest, fault] = std::from_chars(text.data(), end, seconds);
            const bool is_number = fault == std::errc{} && rest == end;
            if (is_number && seconds >= least && seconds <= most) return std::string();
            return "must be a number of seconds from 0.001 to 1000000000, not " + text;
          },
          "SECONDS"};
}

void add_options(CLI::App& app, DaemonOptions& options, double& server_idle_s,
                 double& daemon_idle_s, std::string& backend) {
  app.add_option("--runtime-dir", options.runtime_directory,
                 "directory of socket, lock and log (default: as the clients find it)");
  app.add_option("--ready-fd", options.ready_fd,
                 "descriptor to write \"ready\" or \"error: ...\" to")
      ->check(CLI::Range(3, 1 << 20));
  // A thousandth of a second to thirty years.
  const CLI::Validator seconds = seconds_between(0.001, 1e9);
  app.add_option("--server-idle", server_idle_s, "seconds after which an unused server is stopped")
      ->check(seconds)
      ->capture_default_str();
  app.add_option("--daemon-idle", daemon_idle_s,
                 "seconds after the last server and client until the daemon ends")
      ->check(seconds)
      ->capture_default_str();
  app.add_option("--concurrency", options.concurrency,
                 "servers asked for their tools at the same time, 1 to 256")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--shards", options.shards,
                 "loops, each on a thread of its own, 1 to 64 (or MCPWIRE_SHARDS)")
      ->check(CLI::Range(1, 64))
      ->envname("MCPWIRE_SHARDS")
      ->capture_default_str();
  app.add_option("--io-backend", backend,
                 "io_uring, epoll, or auto: epoll where io_uring is refused (or "
                 "MCPWIRE_IO_BACKEND; else auto)")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}));
}

/// The variable's value; empty if it is not set.
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

std::uint64_t to_ns(double seconds) {
  return static_cast<std::uint64_t>(seconds * static_cast<double>(kNanosecondsPerSecond));
}

double to_seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNanosecondsPerSecond);
}

int fail_start(Readiness& readiness, const Error& error) {
  const std::string text = error.message();
  // Then another daemon serves, and whoever started us finds that one.
  const bool is_busy =
      error.kind == ErrorKind::kOverloaded && error.code == ErrorCode::kDaemonStartFailed;
  readiness.tell((is_busy ? "busy: " : "error: ") + text + "\n");
  std::fprintf(stderr, "mcpwired: %s\n", text.c_str());
  return static_cast<int>(protocol::ExitCode::kUsage);
}

/// Starts this program once more, in a session of its own, and leaves it: its parent is then init,
/// which reaps it, whatever program needed a daemon and however long that program lives.
int start_detached(int argc, char** argv, int ready_fd) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string detached(kDetachedFlag);
  arguments.push_back(detached.data());
  arguments.push_back(nullptr);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t daemon = -1;
  const int failure =
      ::posix_spawn(&daemon, "/proc/self/exe", nullptr, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (failure == 0) return 0;
  Readiness readiness(ready_fd);
  return fail_start(readiness, Error::from_errno(ErrorKind::kInternal, failure, "posix_spawn"));
}

int run_daemon(DaemonOptions options, const std::string& backend) {
  Readiness readiness(options.ready_fd);
  const Result<std::uint32_t> mask =
      io::parse_hidden_features(variable(io::kHideKernelFeaturesVariable));
  if (!mask.has_value()) return fail_start(readiness, mask.error());
  options.hidden_features = *mask;
  const Result<io::BackendKind> kind = io::parse_backend_kind(backend);
  if (!kind.has_value()) return fail_start(readiness, kind.error());
  options.backend = *kind;
  options.era_verdicts_path =
      daemon::era_verdicts_path(variable("XDG_CACHE_HOME"), variable("HOME"));

  // Started through /proc/self/exe it would be called "exe" in every list of processes.
  ::prctl(PR_SET_NAME, "mcpwired");
  io::block_termination_signals();
  options.inherited_limits = daemon::shed_inherited_limits();
  Result<std::unique_ptr<daemon::McpRuntime>> runtime = daemon::McpRuntime::create(options);
  if (!runtime.has_value()) return fail_start(readiness, runtime.error());
  // One that nobody waits for would be left over from a command that was interrupted. It ends as
  // it would for a signal: others may have found it already.
  if (!readiness.tell("ready\n")) ::kill(::getpid(), SIGTERM);
  (*runtime)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 2 && std::string_view(argv[1]) == daemon::kGuardianArgument) {
    return io::guardian_main(STDIN_FILENO, argc > 2 ? argv[2] : "");
  }
  CLI::App app("Keeps MCP servers warm. Started by mcpwire when it is needed.", "mcpwired");
  app.formatter(std::make_shared<tools::HelpFormat>());
  app.set_version_flag("--version", std::string(kVersion));
  DaemonOptions options;
  double server_idle_s = to_seconds(options.server_idle_ns);
  double daemon_idle_s = to_seconds(options.daemon_idle_ns);
  std::string backend(variable(io::kIoBackendVariable));
  add_options(app, options, server_idle_s, daemon_idle_s, backend);
  bool is_detached = false;
  app.add_flag(kDetachedFlag, is_detached)->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(protocol::ExitCode::kUsage);
  }
  io::ignore_write_signals();
  if (options.ready_fd >= 0 && !is_detached) return start_detached(argc, argv, options.ready_fd);
  if (is_detached) {
    // Nobody waits for the process that was started, only for its word.
    if (const Result<void> split = io::go_on_under_warden(); !split.has_value()) {
      Readiness readiness(options.ready_fd);
      return fail_start(readiness, split.error());
    }
  }
  options.server_idle_ns = to_ns(server_idle_s);
  options.daemon_idle_ns = to_ns(daemon_idle_s);
  return run_daemon(std::move(options), backend);
}
