// SPDX-License-Identifier: MIT
//
// `mcpwire daemon start|status|stop` and `mcpwire ping`: what needs no servers.
#include "daemon/config/duration.hpp"
#include "ring/runtime_directory.hpp"
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/process_exit.hpp"
#include "tools/mcpwire/render_result.hpp"

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::cli {
namespace {

using protocol::ExitCode;

constexpr std::uint64_t kStopTimeoutNs = 15 * kNanosecondsPerSecond;
constexpr std::uint64_t kStatusTimeoutNs = 5 * kNanosecondsPerSecond;

bool is_json(const Context& context) noexcept { return context.line.format == Format::kJson; }

bool is_silence(const Error& error) noexcept { return error.kind == ErrorKind::kTimeout; }

/// Nothing where no daemon runs. kTimeout: one runs and does not answer.
Result<std::optional<client::Connection>> connect_to_running(const Context& context,
                                                             const Interrupt& interrupt) {
  auto connection = connect(context, NeedsServers::kNo, client::AutoStart::kNo, interrupt);
  if (connection) return std::optional(std::move(*connection));
  const Error& error = connection.error();
  if (error.code == ErrorCode::kDaemonUnreachable && !is_silence(error)) {
    return std::optional<client::Connection>();
  }
  return fail(std::move(connection).error());
}

/// The process that holds the daemon's lock; 0 where that cannot be told.
std::int32_t running_process() {
  const auto directory = ring::RuntimeDirectory::resolve();
  return directory ? directory->daemon_process().value_or(0) : 0;
}

/// A daemon that is stopped (Ctrl-Z, a debugger) or hangs: it runs, whatever it does not say.
ExitCode report_silence(Context& context) {
  const std::int32_t process_id = running_process();
  const std::string number = std::to_string(process_id);
  const std::string pid = process_id > 0 ? " (pid " + number + ")" : "";
  if (is_json(context)) {
    context.out.own("{\"running\":true,\"answering\":false,\"pid\":").own(number).own("}\n");
  } else if (context.line.command == Command::kDaemonStatus) {
    context.out.own("mcpwired is running, but not answering").own(pid).own("\n");
  }
  context.err.own("mcpwire: mcpwired is running, but not answering").own(pid);
  if (context.line.command == Command::kDaemonStop) context.err.own("; it was not stopped");
  if (process_id > 0) {
    context.err.own(". `kill -CONT ").own(number).own("` lets it go on, `kill -KILL ");
    context.err.own(number).own("` ends it");
  }
  context.err.own("\n");
  return ExitCode::kNotSent;
}

ExitCode report_daemon(Context& context, const Error& error) {
  return is_silence(error) ? report_silence(context) : report(context, error);
}

/// System calls of each relayed call; empty where there was none.
std::string system_calls_per_call(const client::LoopStatus& loop) {
  if (loop.calls == 0) return {};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f",
                static_cast<double>(loop.system_calls) / static_cast<double>(loop.calls));
  return text.data();
}

void print_loops(Output& out, const std::vector<client::LoopStatus>& loops) {
  for (const client::LoopStatus& loop : loops) {
    out.own("  loop lag   p50 ").own(config::format_duration(loop.lag.percentile(0.5)));
    out.own(", p99 ").own(config::format_duration(loop.lag.percentile(0.99)));
    out.own(", max ").own(config::format_duration(loop.lag.max));
    const std::string each = system_calls_per_call(loop);
    if (!each.empty()) out.own("; ").own(each).own(" system calls per call");
    out.own("\n");
  }
}

void print_loops_json(Output& out, const std::vector<client::LoopStatus>& loops) {
  out.own("[");
  for (const client::LoopStatus& loop : loops) {
    if (&loop != &loops.front()) out.own(",");
    out.own("{\"turns\":").own(std::to_string(loop.turns));
    out.own(",\"calls\":").own(std::to_string(loop.calls));
    out.own(",\"system_calls\":").own(std::to_string(loop.system_calls));
    out.own(",\"lag_n\":").own(std::to_string(loop.lag.count()));
    out.own(",\"lag_p50_ns\":").own(std::to_string(loop.lag.percentile(0.5)));
    out.own(",\"lag_p99_ns\":").own(std::to_string(loop.lag.percentile(0.99)));
    out.own(",\"lag_max_ns\":").own(std::to_string(loop.lag.max)).own("}");
  }
  out.own("]");
}

void print_status(Output& out, const client::DaemonStatus& status) {
  out.own("mcpwired ").foreign_line(status.version).own(" is running\n");
  out.own("  pid        ").own(std::to_string(status.process_id)).own("\n");
  out.own("  up         ").own(config::format_duration(status.uptime_ns)).own("\n");
  out.own("  servers    ").own(std::to_string(status.servers)).own("\n");
  out.own("  clients    ").own(std::to_string(status.clients)).own("\n");
  out.own("  calls      ").own(std::to_string(status.calls)).own("\n");
  out.own("  violations ").own(std::to_string(status.violations)).own("\n");
  out.own("  refusals   ").own(std::to_string(status.refusals)).own("\n");
  print_loops(out, status.loops);
  out.own("  directory  ").foreign_line(status.runtime_directory).own("\n");
  if (!status.warning.empty()) out.own("  warning    ").foreign_line(status.warning).own("\n");
}

void print_status_json(Output& out, const client::DaemonStatus& status) {
  out.own("{\"running\":true,\"pid\":").own(std::to_string(status.process_id));
  out.own(",\"version\":").own(json_string(status.version));
  out.own(",\"uptime_ns\":").own(std::to_string(status.uptime_ns));
  out.own(",\"servers\":").own(std::to_string(status.servers));
  out.own(",\"clients\":").own(std::to_string(status.clients));
  out.own(",\"calls\":").own(std::to_string(status.calls));
  out.own(",\"violations\":").own(std::to_string(status.violations));
  out.own(",\"refusals\":").own(std::to_string(status.refusals));
  out.own(",\"kernel_features\":").own(std::to_string(status.kernel_features));
  out.own(",\"shards\":").own(std::to_string(status.shards));
  out.own(",\"loops\":");
  print_loops_json(out, status.loops);
  out.own(",\"io_backend\":").own(json_string(status.io_backend));
  out.own(",\"warning\":").own(json_string(status.warning));
  const protocol::LargePayloadCounters& large = status.large;
  out.own(",\"slab_answers\":").own(std::to_string(large.slab_answers));
  out.own(",\"new_slabs\":").own(std::to_string(large.new_slabs));
  out.own(",\"slab_bytes_copied\":").own(std::to_string(large.slab_bytes_copied));
  out.own(",\"large_lines\":").own(std::to_string(large.large_lines));
  out.own(",\"line_reads\":").own(std::to_string(large.line_reads));
  out.own(",\"line_bytes_read\":").own(std::to_string(large.line_bytes_read));
  out.own(",\"line_bytes_copied\":").own(std::to_string(large.line_bytes_copied));
  out.own(",\"runtime_directory\":").own(json_string(status.runtime_directory)).own("}\n");
}

void say_stopped(Context& context, std::string_view text, std::int32_t process_id) {
  if (is_json(context)) {
    context.out.own("{\"running\":false,\"stopped_pid\":").own(std::to_string(process_id));
    context.out.own("}\n");
  } else {
    context.out.own(text).own("\n");
  }
}

}  // namespace

ExitCode run_daemon_start(Context& context) {
  const Interrupt interrupt;
  auto running = connect_to_running(context, interrupt);
  if (!running) return report_daemon(context, running.error());
  const bool was_running = running->has_value();
  if (!was_running) {
    auto started = connect(context, NeedsServers::kNo, client::AutoStart::kYes, interrupt);
    if (!started) return report(context, started.error());
    *running = std::move(*started);
  }
  const std::string process_id = std::to_string((*running)->agreement().daemon_pid);
  if (is_json(context)) {
    context.out.own("{\"running\":true,\"started\":").own(was_running ? "false" : "true");
    context.out.own(",\"pid\":").own(process_id).own("}\n");
  } else {
    context.out.own(was_running ? "mcpwired is running already, pid " : "mcpwired started, pid ");
    context.out.own(process_id).own("\n");
  }
  return ExitCode::kOk;
}

ExitCode run_daemon_status(Context& context) {
  const Interrupt interrupt;
  const std::uint64_t deadline_ns =
      deadline_of(context.line, monotonic_now_ns() + kStatusTimeoutNs);
  auto running = connect_to_running(context, interrupt);
  if (!running) return report_daemon(context, running.error());
  if (!running->has_value()) {
    context.out.own(is_json(context) ? "{\"running\":false}\n" : "mcpwired is not running\n");
    return ExitCode::kNotSent;
  }
  const auto status = (*running)->status(deadline_ns);
  if (!status) return report_daemon(context, status.error());
  is_json(context) ? print_status_json(context.out, *status) : print_status(context.out, *status);
  return ExitCode::kOk;
}

ExitCode run_daemon_stop(Context& context) {
  const Interrupt interrupt;
  const std::uint64_t deadline_ns = deadline_of(context.line, monotonic_now_ns() + kStopTimeoutNs);
  auto running = connect_to_running(context, interrupt);
  if (!running) return report_daemon(context, running.error());
  if (!running->has_value()) {
    say_stopped(context, "mcpwired is not running", 0);
    return ExitCode::kOk;
  }
  client::Connection& connection = **running;
  const std::int32_t process_id = connection.agreement().daemon_pid;
  const auto watch = ProcessWatch::open(process_id);
  if (!watch) return report(context, watch.error());
  const auto asked = connection.shutdown(deadline_ns);
  // A daemon that goes without an answer has gone all the same.
  if (!asked && asked.error().kind != ErrorKind::kDisconnected) {
    return report_daemon(context, asked.error());
  }
  const auto gone = watch->wait(deadline_ns, interrupt.fd());
  if (!gone) {
    context.err.own("mcpwire: mcpwired (pid ").own(std::to_string(process_id));
    context.err.own(") was asked to stop and still runs\n");
    return report(context, gone.error());
  }
  say_stopped(context, "mcpwired stopped", process_id);
  return ExitCode::kOk;
}

ExitCode run_ping(Context& context) {
  const Interrupt interrupt;
  auto connection = connect(context, NeedsServers::kNo, client::AutoStart::kYes, interrupt);
  if (!connection) return report(context, connection.error());
  const std::uint64_t start_ns = monotonic_now_ns();
  const auto answered = connection->ping(deadline_of(context.line, start_ns + kStatusTimeoutNs));
  const std::uint64_t duration_ns = monotonic_now_ns() - start_ns;
  if (!answered) return report(context, answered.error());
  const std::string process_id = std::to_string(connection->agreement().daemon_pid);
  if (is_json(context)) {
    context.out.own("{\"pid\":").own(process_id).own(",\"round_trip_ns\":");
    context.out.own(std::to_string(duration_ns)).own("}\n");
  } else {
    context.out.own("mcpwired (pid ").own(process_id).own(") answered in ");
    context.out.own(config::format_duration(duration_ns)).own("\n");
  }
  return ExitCode::kOk;
}

}  // namespace mcpwire::cli
