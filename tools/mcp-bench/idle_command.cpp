// SPDX-License-Identifier: MIT
//
// mcp-bench idle: what a connected client that does nothing costs. Clients in processes of their
// own connect, ping once and fall silent; when the daemon has given their rings back, its memory is
// compared with that before. What the kernel keeps for both ends stands beside it.
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/own_daemon.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  std::uint32_t connections = 1000;
  std::uint32_t processes = 10;
  std::uint32_t ring_bytes = 4096;
  bool as_json = false;
};

constexpr std::uint64_t kPatienceNs = 120 * kNanosecondsPerSecond;
constexpr std::uint64_t kPauseNs = 50 * kNanosecondsPerMillisecond;

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The number of kB behind `key` in a file of /proc, in bytes.
Result<std::uint64_t> bytes_behind(const std::string& path, const std::string& key) {
  const std::string text = read_text(path);
  const std::size_t at = text.find("\n" + key);
  if (at == std::string::npos) return fail(ErrorKind::kNotFound, ErrorCode::kUnspecified, path);
  return std::strtoull(text.c_str() + at + 1 + key.size(), nullptr, 10) * 1024;
}

struct Memory {
  std::uint64_t user = 0;    ///< Of the daemon: its proportional share of all it has mapped.
  std::uint64_t kernel = 0;  ///< Of the machine: both ends of each connection.
};

Result<Memory> measure(std::int32_t daemon) {
  const std::string folder = "/proc/" + std::to_string(daemon);
  return Memory{TRY(bytes_behind(folder + "/smaps_rollup", "Pss:")),
                TRY(bytes_behind("/proc/meminfo", "Slab:"))};
}

bool has_rings(std::int32_t daemon) {
  return read_text("/proc/" + std::to_string(daemon) + "/maps").find("mcpwire-ring") !=
         std::string::npos;
}

/// A process with idle connections. It ends when the pipe that it waits on is closed.
class IdleClients {
 public:
  static Result<IdleClients> start(OwnDaemon& daemon, const Arguments& arguments,
                                   std::uint32_t count) {
    std::array<int, 2> ready{};
    std::array<int, 2> life{};
    if (::pipe2(ready.data(), O_CLOEXEC) != 0 || ::pipe2(life.data(), O_CLOEXEC) != 0) {
      return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "pipe2"));
    }
    IdleClients clients;
    clients.ready_.reset(ready[0]);
    UniqueFd ready_write(ready[1]);
    UniqueFd life_read(life[0]);
    clients.life_.reset(life[1]);
    clients.process_ = ::fork();
    if (clients.process_ < 0) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "fork"));
    if (clients.process_ == 0) {
      clients.life_.reset();
      ::_exit(be_idle(daemon, arguments, count, ready_write.get(), life_read.get()));
    }
    return clients;
  }
  IdleClients(IdleClients&& other) noexcept
      : ready_(std::move(other.ready_)),
        life_(std::move(other.life_)),
        process_(std::exchange(other.process_, -1)) {}
  IdleClients& operator=(IdleClients&&) = delete;
  ~IdleClients() {
    life_.reset();
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
  }

  Result<void> await_silence() const {
    char word = 0;
    if (::read(ready_.get(), &word, 1) == 1) return {};
    return fail(ErrorKind::kDisconnected, ErrorCode::kClosed, "a client process failed");
  }

 private:
  IdleClients() = default;

  static int be_idle(OwnDaemon& daemon, const Arguments& arguments, std::uint32_t count, int ready,
                     int life) {
    client::ConnectOptions options = daemon.connect_options();
    options.ring_bytes = arguments.ring_bytes;
    options.auto_start = client::AutoStart::kNo;
    std::vector<client::Connection> held;
    for (std::uint32_t i = 0; i < count; ++i) {
      auto connection = client::Connection::connect(options);
      if (!connection || !connection->ping()) {
        const Error why = connection ? Error::of(ErrorKind::kTimeout, ErrorCode::kUnspecified)
                                     : connection.error();
        std::fprintf(stderr, "connection %u: %s\n", i, why.message().c_str());
        return 1;
      }
      held.push_back(*std::move(connection));
    }
    char word = 1;
    if (::write(ready, &word, 1) != 1) return 1;
    while (::read(life, &word, 1) > 0) {
    }
    return 0;
  }

  UniqueFd ready_;
  UniqueFd life_;
  pid_t process_ = -1;
};

std::string report(const Arguments& arguments, const Memory& before, const Memory& after) {
  const auto each = [&](std::uint64_t from, std::uint64_t to) {
    return (static_cast<double>(to) - static_cast<double>(from)) / arguments.connections;
  };
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(),
                arguments.as_json
                    ? "{\"connections\":%u,\"processes\":%u,\"user_bytes_each\":%.0f,"
                      "\"kernel_bytes_each\":%.0f,\"pss_before\":%llu,\"pss_after\":%llu}"
                    : "%u idle connections of %u processes: %.0f bytes of the daemon's memory "
                      "each, %.0f of the kernel's (both ends); the daemon before %llu, after %llu",
                arguments.connections, arguments.processes, each(before.user, after.user),
                each(before.kernel, after.kernel), static_cast<unsigned long long>(before.user),
                static_cast<unsigned long long>(after.user));
  return text.data();
}

Result<std::string> run(const Arguments& arguments) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  OwnDaemon daemon = TRY(OwnDaemon::create());
  {
    client::Connection first = TRY(daemon.connect(daemon.connect_options()));
    TRY(first.ping());
  }
  // What every daemon with a client has once, its first connection included, is not theirs.
  const std::uint64_t deadline_ns = monotonic_now_ns() + kPatienceNs;
  const auto await_no_rings = [&] {
    while (has_rings(daemon.process_id()) && monotonic_now_ns() < deadline_ns) wait_ns(kPauseNs);
  };
  await_no_rings();
  const Memory before = TRY(measure(daemon.process_id()));
  std::vector<IdleClients> clients;
  for (std::uint32_t i = 0; i < arguments.processes; ++i) {
    const std::uint32_t count = arguments.connections / arguments.processes +
                                (i < arguments.connections % arguments.processes ? 1 : 0);
    clients.push_back(TRY(IdleClients::start(daemon, arguments, count)));
    TRY(clients.back().await_silence());
  }
  await_no_rings();
  const Memory after = TRY(measure(daemon.process_id()));
  // The last first: each process has inherited the ends of the pipes of those before it.
  while (!clients.empty()) clients.pop_back();
  return report(arguments, before, after);
}

}  // namespace

void add_idle_command(CLI::App& app, Measurement& chosen) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("idle", "Memory per connected client that does nothing");
  command->add_option("--connections", arguments->connections)->check(CLI::Range(1, 1000000));
  command->add_option("--processes", arguments->processes)->check(CLI::Range(1, 1000));
  command->add_option("--ring-bytes", arguments->ring_bytes, "of each connection while it is used");
  command->add_flag("--json", arguments->as_json);
  command->callback([arguments, &chosen] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
