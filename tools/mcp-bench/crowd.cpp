// SPDX-License-Identifier: MIT
//
// The processes of a crowd: how they are started, begin together, and tell what they did.
#include "tools/mcp-bench/crowd.hpp"

#include "protocol/base/unique_fd.hpp"
#include "tools/mcp-bench/host.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace mcpwire::bench_tool {
namespace {

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

bool send_report(int fd, const ClientReport& report) {
  const std::uint64_t count = report.samples.size();
  return write_all(fd, &count, sizeof count) &&
         write_all(fd, report.samples.data(), count * sizeof(std::uint32_t)) &&
         write_all(fd, &report.answers, sizeof report.answers) &&
         write_all(fd, &report.cpu_seconds, sizeof report.cpu_seconds);
}

bool take_report(int fd, ClientReport& report) {
  std::uint64_t count = 0;
  if (!read_all(fd, &count, sizeof count)) return false;
  report.samples.resize(count);
  return read_all(fd, report.samples.data(), count * sizeof(std::uint32_t)) &&
         read_all(fd, &report.answers, sizeof report.answers) &&
         read_all(fd, &report.cpu_seconds, sizeof report.cpu_seconds);
}

struct Ends {
  int ready;
  int start;
  int report;
};

/// One client process: connects, says so, waits for the start, runs, reports.
[[noreturn]] void run_client(const client::ConnectOptions& connect, const CrowdOptions& options,
                             std::size_t index, Ends ends) {
  auto connection = client::Connection::connect(connect);
  if (!connection || !round_trip(*connection, options, index)) ::_exit(2);
  char byte = 1;
  if (!write_all(ends.ready, &byte, 1) || ::read(ends.start, &byte, 1) != 0) ::_exit(3);
  rusage before{};
  rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  auto report = index < options.clients ? run_timed_client(*connection, options, index)
                                        : run_flood_client(*connection, options);
  ::getrusage(RUSAGE_SELF, &after);
  if (!report) ::_exit(4);
  report->cpu_seconds = seconds_of(after) - seconds_of(before);
  ::_exit(send_report(ends.report, *report) ? 0 : 5);
}

struct Client {
  pid_t process = -1;
  UniqueFd report;
};

Failure client_failed() {
  return fail(ErrorKind::kInternal, ErrorCode::kUnspecified,
              std::string("one of the client processes failed"));
}

Result<CrowdSummary> collect(std::vector<Client>& clients, double seconds) {
  CrowdSummary summary;
  Samples samples;
  for (Client& client : clients) {
    ClientReport report;
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

}  // namespace

Result<CrowdSummary> run_crowd(const client::ConnectOptions& connect, const CrowdOptions& options,
                               const OwnDaemon& daemon, client::Connection& observer) {
  Pipe ready = TRY(make_pipe());
  Pipe start = TRY(make_pipe());
  std::vector<Client> clients;
  for (std::size_t i = 0; i < options.clients + options.floods; ++i) {
    Pipe report = TRY(make_pipe());
    const pid_t process = ::fork();
    if (process < 0) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "fork"));
    if (process == 0) {
      start.write_end.reset();
      run_client(connect, options, i,
                 {ready.write_end.get(), start.read_end.get(), report.write_end.get()});
    }
    clients.push_back({process, std::move(report.read_end)});
  }
  ready.write_end.reset();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    char byte = 0;
    if (!read_all(ready.read_end.get(), &byte, 1)) return client_failed();
  }
  const std::uint64_t duration_ns = options.milliseconds * kNanosecondsPerMillisecond;
  const client::LoopStatus loops_before = TRY(look_at_loops(observer));
  const ProcessorTimes before = TRY(daemon.processor_times(observer));
  start.write_end.reset();  // Everybody reads the end of it at the same time.
  wait_ns(duration_ns);
  const ProcessorTimes after = TRY(daemon.processor_times(observer));
  const client::LoopStatus loops_after = TRY(look_at_loops(observer));
  CrowdSummary summary = TRY(collect(clients, static_cast<double>(duration_ns) * 1e-9));
  summary.latency.loops = loop_figures(loops_before, loops_after);
  const auto share = [&](std::uint64_t used_ns) {
    return static_cast<double>(used_ns) / static_cast<double>(duration_ns);
  };
  summary.daemon_cpu = share(after.daemon_ns - before.daemon_ns);
  summary.servers_cpu = share(after.servers_ns - before.servers_ns);
  return summary;
}

}  // namespace mcpwire::bench_tool
