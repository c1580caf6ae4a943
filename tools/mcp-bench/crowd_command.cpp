// SPDX-License-Identifier: MIT
//
// mcp-bench crowd: many client processes of one daemon at the same time: what each round trip
// costs, what all of them get done, and what processor time that takes. Floods are further clients
// that keep requests in flight and are not timed.
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/latency.hpp"
#include "tools/mcp-bench/own_daemon.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  std::size_t clients = 1;
  std::size_t floods = 0;
  std::uint64_t milliseconds = 2000;
  std::uint64_t gap_ns = 0;
  std::int64_t spin_ns = -1;
  bool socket_only = false;
  bool ignores_leave = false;
  bool as_json = false;
};

struct Summary {
  LatencySummary latency;  ///< per_second: of all timed clients together.
  /// Processor seconds per second of the measurement: 2 means two full cores.
  double clients_cpu = 0;
  double daemon_cpu = 0;
  double floods_per_second = 0;  ///< Answers that the floods got.
};

constexpr std::size_t kFloodInFlight = 64;

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "pipe2"));
  }
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

double seconds_of(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What a client tells its parent: its samples, or how many answers its flood got.
struct Report {
  std::vector<std::uint32_t> samples;
  std::uint64_t answers = 0;
  double cpu_seconds = 0;
};

bool write_all(int fd, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes != 0) {
    const ssize_t written = ::write(fd, at, bytes);
    if (written <= 0) return false;
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

bool read_all(int fd, void* data, std::size_t bytes) {
  char* at = static_cast<char*>(data);
  while (bytes != 0) {
    const ssize_t taken = ::read(fd, at, bytes);
    if (taken <= 0) return false;
    at += taken;
    bytes -= static_cast<std::size_t>(taken);
  }
  return true;
}

bool send_report(int fd, const Report& report) {
  const std::uint64_t count = report.samples.size();
  return write_all(fd, &count, sizeof count) &&
         write_all(fd, report.samples.data(), count * sizeof(std::uint32_t)) &&
         write_all(fd, &report.answers, sizeof report.answers) &&
         write_all(fd, &report.cpu_seconds, sizeof report.cpu_seconds);
}

bool take_report(int fd, Report& report) {
  std::uint64_t count = 0;
  if (!read_all(fd, &count, sizeof count)) return false;
  report.samples.resize(count);
  return read_all(fd, report.samples.data(), count * sizeof(std::uint32_t)) &&
         read_all(fd, &report.answers, sizeof report.answers) &&
         read_all(fd, &report.cpu_seconds, sizeof report.cpu_seconds);
}

/// Pings one after the other, for four fifths of the time; the first fifth warms up.
Result<void> run_timed(client::Connection& connection, const Arguments& arguments,
                       std::uint64_t duration_ns, Report& report) {
  const std::uint64_t start_ns = monotonic_now_ns();
  while (monotonic_now_ns() < start_ns + duration_ns / 5) TRY(connection.ping());
  const std::uint64_t end_ns = start_ns + duration_ns;
  for (std::uint64_t now_ns = monotonic_now_ns(); now_ns < end_ns;) {
    TRY(connection.ping());
    const std::uint64_t after_ns = monotonic_now_ns();
    report.samples.push_back(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(after_ns - now_ns, 0xffff'ffff)));
    now_ns = after_ns;
    if (arguments.gap_ns == 0) continue;
    wait_ns(arguments.gap_ns);
    now_ns = monotonic_now_ns();
  }
  return {};
}

Result<void> run_flood(client::Connection& connection, std::uint64_t duration_ns, Report& report) {
  const std::uint64_t end_ns = monotonic_now_ns() + duration_ns;
  std::deque<std::uint64_t> in_flight;
  while (monotonic_now_ns() < end_ns) {
    while (in_flight.size() < kFloodInFlight) in_flight.push_back(TRY(connection.start_ping()));
    for (std::size_t i = 0; i < kFloodInFlight / 2; ++i) {
      const auto reply = connection.wait(in_flight.front());
      if (!reply || reply->outcome != protocol::Outcome::kOk) {
        return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
      }
      in_flight.pop_front();
      ++report.answers;
    }
  }
  return {};
}

enum class Part : std::uint8_t { kTimed, kFlood };

struct Ends {
  int ready;
  int start;
  int report;
};

/// One client process: connects, says so, waits for the start, runs, reports.
[[noreturn]] void run_client(const client::ConnectOptions& connect, const Arguments& arguments,
                             Part part, Ends ends) {
  const std::uint64_t duration_ns = arguments.milliseconds * kNanosecondsPerMillisecond;
  auto connection = client::Connection::connect(connect);
  if (!connection || !connection->ping()) ::_exit(2);
  char byte = 1;
  if (!write_all(ends.ready, &byte, 1) || ::read(ends.start, &byte, 1) != 0) ::_exit(3);
  Report report;
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  const auto done = part == Part::kTimed ? run_timed(*connection, arguments, duration_ns, report)
                                         : run_flood(*connection, duration_ns, report);
  ::getrusage(RUSAGE_SELF, &after);
  report.cpu_seconds = seconds_of(after) - seconds_of(before);
  ::_exit(done && send_report(ends.report, report) ? 0 : 4);
}

struct Client {
  pid_t process = -1;
  UniqueFd report;
};

Failure client_failed() {
  return fail(ErrorKind::kInternal, ErrorCode::kUnspecified,
              std::string("one of the client processes failed"));
}

Result<Summary> collect(std::vector<Client>& clients, double seconds) {
  Summary summary;
  Samples samples;
  for (Client& client : clients) {
    Report report;
    const bool complete = take_report(client.report.get(), report);
    int status = -1;
    ::waitpid(client.process, &status, 0);
    if (!complete || status != 0) return client_failed();
    samples.insert(samples.end(), report.samples.begin(), report.samples.end());
    summary.clients_cpu += report.cpu_seconds / seconds;
    summary.floods_per_second += static_cast<double>(report.answers) / seconds;
  }
  if (samples.empty()) return client_failed();
  summary.latency = summarize(std::move(samples));
  // All clients at the same time, over the four fifths that were timed.
  summary.latency.per_second = static_cast<double>(summary.latency.samples) / (seconds * 0.8);
  return summary;
}

Result<Summary> run_crowd(const client::ConnectOptions& connect, const Arguments& arguments,
                          const OwnDaemon& daemon) {
  Pipe ready = TRY(make_pipe());
  Pipe start = TRY(make_pipe());
  std::vector<Client> clients;
  for (std::size_t i = 0; i < arguments.clients + arguments.floods; ++i) {
    Pipe report = TRY(make_pipe());
    const pid_t process = ::fork();
    if (process < 0) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "fork"));
    if (process == 0) {
      start.write_end.reset();
      run_client(connect, arguments, i < arguments.clients ? Part::kTimed : Part::kFlood,
                 {ready.write_end.get(), start.read_end.get(), report.write_end.get()});
    }
    clients.push_back({process, std::move(report.read_end)});
  }
  ready.write_end.reset();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    char byte = 0;
    if (!read_all(ready.read_end.get(), &byte, 1)) return client_failed();
  }
  const std::uint64_t duration_ns = arguments.milliseconds * kNanosecondsPerMillisecond;
  const std::uint64_t used_before_ns = TRY(daemon.processor_time_ns());
  start.write_end.reset();  // Everybody reads the end of it at the same time.
  wait_ns(duration_ns);
  const std::uint64_t used_ns = TRY(daemon.processor_time_ns()) - used_before_ns;
  Summary summary = TRY(collect(clients, static_cast<double>(duration_ns) * 1e-9));
  summary.daemon_cpu = static_cast<double>(used_ns) / static_cast<double>(duration_ns);
  return summary;
}

std::string text_of(const Arguments& arguments, const Summary& summary) {
  const char* const format =
      arguments.as_json
          ? R"({"clients":%zu,"floods":%zu,%s,"floods_per_second":%.0f,"clients_cpu":%.2f,"daemon_cpu":%.2f})"
          : "%zu clients, %zu floods: %s; floods %.0f/s; processors: clients %.2f, daemon %.2f";
  const std::string figures =
      arguments.as_json
          ? figures_json(summary.latency)
          : figures_text(summary.latency) + ", " +
                std::to_string(static_cast<std::uint64_t>(summary.latency.per_second)) + "/s";
  std::string text(512, '\0');
  text.resize(static_cast<std::size_t>(std::snprintf(
      text.data(), text.size(), format, arguments.clients, arguments.floods, figures.c_str(),
      summary.floods_per_second, summary.clients_cpu, summary.daemon_cpu)));
  return text;
}

Result<std::string> run(const Arguments& arguments) {
  OwnDaemon daemon = TRY(OwnDaemon::create());
  client::ConnectOptions options = daemon.connect_options();
  if (arguments.socket_only) options.ring_bytes = 0;
  if (arguments.ignores_leave) options.spin_leave = client::SpinLeave::kIgnore;
  if (arguments.spin_ns >= 0) options.spin_ns = static_cast<std::uint64_t>(arguments.spin_ns);
  const client::Connection keeper = TRY(daemon.connect(options));
  return text_of(arguments, TRY(run_crowd(options, arguments, daemon)));
}

}  // namespace

void add_crowd_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command = app.add_subcommand("crowd", "Pings of many client processes side by side");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--clients", arguments->clients, "timed client processes (default 1)")
      ->check(CLI::Range(1, 256));
  command
      ->add_option("--floods", arguments->floods, "clients with 64 requests in flight (default 0)")
      ->check(CLI::Range(0, 64));
  command->add_option("--milliseconds", arguments->milliseconds, "of the run (default 2000)")
      ->check(CLI::Range(10, 600'000));
  command->add_option("--gap", arguments->gap_ns, "nanoseconds of silence between two (default 0)");
  command->add_option("--spin", arguments->spin_ns, "nanoseconds a client spins before it sleeps");
  command->add_flag("--ignore-leave", arguments->ignores_leave,
                    "clients spin without asking the daemon for leave");
  command->add_flag("--socket-only", arguments->socket_only, "without shared memory");
  command->add_flag("--json", arguments->as_json, "one JSON object instead of a line for people");
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
