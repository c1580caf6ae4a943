// SPDX-License-Identifier: MIT
//
// mcp-bench throughput: many requests in flight: pings, answered by the daemon itself, or calls of
// one server. Without --rate as many
// as it takes; with it an open loop: requests are due at fixed times, and a request's latency
// begins when it was due, however late it went out.
#include "protocol/base/system_clock.hpp"
#include "protocol/call_word.hpp"
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/latency.hpp"
#include "tools/mcp-bench/own_daemon.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  std::size_t in_flight = 64;
  std::size_t iterations = 1'000'000;
  Method method = Method::kPing;  ///< Or Method::kCall: `echo`.
  double rate = 0;                ///< Requests per second; 0: as many as it takes.
  std::vector<int> pins;
  bool as_json = false;
};

struct Report {
  LatencySummary latency;
  double per_second = 0;         ///< Of wall time.
  double per_daemon_second = 0;  ///< Of the daemon's processor time.
  double clients_cpu = 0;        ///< Processor seconds per second, as the next two.
  double daemon_cpu = 0;
  double servers_cpu = 0;
};

/// Requests in flight, oldest first; pings, and the calls of one server, are answered in order.
class Pipeline {
 public:
  Pipeline(client::Connection& connection, Method method) noexcept
      : connection_(connection), method_(method) {}

  std::size_t size() const noexcept { return waiting_.size(); }

  /// `due_ns` is what its latency counts from.
  Result<void> start(std::uint64_t due_ns) {
    const std::uint64_t correlation =
        TRY(method_ == Method::kCall
                ? connection_.start_call({server_name(0), "echo", R"({"message":"hello"})"})
                : connection_.start_ping());
    waiting_.emplace_back(correlation, due_ns);
    return {};
  }

  /// Waits for the oldest answer until `until_ns`. True if it came.
  Result<bool> finish_oldest(std::uint64_t until_ns) {
    const auto [correlation, due_ns] = waiting_.front();
    const std::optional<client::CallReply> reply = connection_.wait(correlation, until_ns);
    if (!reply) return false;
    if (reply->outcome != protocol::Outcome::kOk) return fail(reply->error);
    samples_.push_back(monotonic_now_ns() - due_ns);
    waiting_.pop_front();
    return true;
  }

  void forget_samples(std::size_t expected) {
    samples_.clear();
    samples_.reserve(expected);
  }
  Samples take_samples() noexcept { return std::move(samples_); }

 private:
  client::Connection& connection_;
  const Method method_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> waiting_;  ///< Correlation, due time.
  Samples samples_;
};

Result<void> run_closed(Pipeline& pipeline, const Arguments& arguments, std::size_t count) {
  for (std::size_t started = 0; started < count || pipeline.size() != 0;) {
    while (started < count && pipeline.size() < arguments.in_flight) {
      TRY(pipeline.start(monotonic_now_ns()));
      ++started;
    }
    TRY(pipeline.finish_oldest(kNever));
  }
  return {};
}

Result<void> run_open(Pipeline& pipeline, const Arguments& arguments, std::size_t count) {
  const double interval_ns = 1e9 / arguments.rate;
  const std::uint64_t start_ns = monotonic_now_ns();
  const auto due_ns = [&](std::size_t index) {
    return start_ns + static_cast<std::uint64_t>(static_cast<double>(index) * interval_ns);
  };
  for (std::size_t started = 0; started < count || pipeline.size() != 0;) {
    while (started < count && pipeline.size() < arguments.in_flight &&
           due_ns(started) <= monotonic_now_ns()) {
      TRY(pipeline.start(due_ns(started)));
      ++started;
    }
    if (pipeline.size() == 0) continue;
    const bool may_start = started < count && pipeline.size() < arguments.in_flight;
    TRY(pipeline.finish_oldest(may_start ? due_ns(started) : kNever));
  }
  return {};
}

Result<Report> measure(const Arguments& arguments) {
  OwnDaemon daemon = TRY(OwnDaemon::create());
  client::Connection connection = TRY(daemon.connect(daemon.connect_options()));
  TRY(pin_process(0, pin_at(arguments.pins, 0)));
  TRY(pin_process(daemon.process_id(), pin_at(arguments.pins, 1)));
  Pipeline pipeline(connection, arguments.method);
  TRY(run_closed(pipeline, arguments, arguments.iterations / 10 + 1));  // warm-up
  pipeline.forget_samples(arguments.iterations);
  const client::LoopStatus loops_before = TRY(look_at_loops(connection));
  const ProcessorTimes before = TRY(daemon.processor_times(connection));
  const std::clock_t own_before = std::clock();
  const std::uint64_t before_ns = monotonic_now_ns();
  TRY(arguments.rate > 0 ? run_open(pipeline, arguments, arguments.iterations)
                         : run_closed(pipeline, arguments, arguments.iterations));
  const std::uint64_t wall_ns = monotonic_now_ns() - before_ns;
  const std::clock_t own = std::clock() - own_before;
  const ProcessorTimes after = TRY(daemon.processor_times(connection));
  const client::LoopStatus loops_after = TRY(look_at_loops(connection));
  LatencySummary latency = summarize(pipeline.take_samples());
  latency.loops = loop_figures(loops_before, loops_after);
  const auto count = static_cast<double>(arguments.iterations);
  const auto wall = static_cast<double>(wall_ns);
  const auto daemon_ns = static_cast<double>(after.daemon_ns - before.daemon_ns);
  return Report{
      std::move(latency),      count * 1e9 / wall,
      count * 1e9 / daemon_ns, static_cast<double>(own) * (1e9 / CLOCKS_PER_SEC) / wall,
      daemon_ns / wall,        static_cast<double>(after.servers_ns - before.servers_ns) / wall};
}

Result<std::string> run(const Arguments& arguments) {
  const Report report = TRY(measure(arguments));
  std::string text(1024, '\0');
  const char* const format =
      arguments.as_json
          ? R"({"method":"%s","in_flight":%zu,"rate":%.0f,%s,"per_wall_second":%.0f,"per_daemon_second":%.0f,"clients_cpu":%.2f,"daemon_cpu":%.2f,"servers_cpu":%.2f})"
          : "%s, %zu in flight, rate %.0f: %s; %.0f per second, %.0f per second of daemon CPU; "
            "processors: client %.2f, daemon %.2f, servers %.2f";
  const std::string figures =
      arguments.as_json ? figures_json(report.latency) : figures_text(report.latency);
  const int written = std::snprintf(
      text.data(), text.size(), format, std::string(method_name(arguments.method)).c_str(),
      arguments.in_flight, arguments.rate, figures.c_str(), report.per_second,
      report.per_daemon_second, report.clients_cpu, report.daemon_cpu, report.servers_cpu);
  text.resize(static_cast<std::size_t>(written));
  return text;
}

}  // namespace

void add_throughput_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command = app.add_subcommand("throughput", "Requests per second, many in flight");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--in-flight", arguments->in_flight, "requests in flight (default 64)")
      ->check(CLI::Range(std::size_t{1}, protocol::kCallWindow));
  add_ping_or_call_option(*command, arguments->method);
  command->add_option("--iterations", arguments->iterations, "timed requests (default 1000000)")
      ->check(CLI::Range(1, 1'000'000'000));
  command->add_option("--rate", arguments->rate, "requests per second, open loop (default: all)")
      ->check(CLI::Range(1.0, 1e9));
  command->add_option("--pin", arguments->pins, "CPUs of client and daemon; -1 leaves one free")
      ->delimiter(',')
      ->expected(1, 2);
  command->add_flag("--json", arguments->as_json, "one JSON object instead of a line for people");
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
