// SPDX-License-Identifier: MIT
#include "bench/peers/lane.hpp"

#include "bench/processors.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <string>
#include <thread>

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace mcpwire::peers {

namespace {

constexpr unsigned kEndSecondsMax = 60;
enum ExitCode : int { kDone = 0, kNotOpened = 10, kNotTransferred = 11 };

/// Of the calling thread; threads and processes that it makes inherit it.
void pin_to(int processor) noexcept {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(processor, &only);
  ::sched_setaffinity(0, sizeof(only), &only);
}

/// Processor time that this process and `peer` (0: there is none) have used.
std::uint64_t cpu_time_ns(pid_t peer) noexcept {
  std::uint64_t total_ns = 0;
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  do {
    timespec used{};
    ::clock_gettime(clock, &used);
    total_ns += static_cast<std::uint64_t>(used.tv_sec) * kNanosecondsPerSecond +
                static_cast<std::uint64_t>(used.tv_nsec);
    if (clock != CLOCK_PROCESS_CPUTIME_ID) break;
  } while (peer != 0 && ::clock_getcpuclockid(peer, &clock) == 0);
  return total_ns;
}

class Caller {
 public:
  Caller(Contender& contender, const LaneOptions& options, Exchange& exchange, pid_t peer)
      : contender_(contender), options_(options), exchange_(exchange), peer_(peer) {}

  bool run() { return options_.setup.traffic == Traffic::kStream ? stream() : round_trips(); }

 private:
  bool stream() {
    const std::uint64_t cpu_before = cpu_time_ns(peer_);
    StreamPlan plan(options_.slot_ns, options_.messages_max);
    if (!contender_.send_stream(plan)) return false;
    contender_.hang_up();
    exchange_.wait_for_blocking(Role::kPeer, Step::kFinished);
    exchange_.cpu_ns = cpu_time_ns(peer_) - cpu_before;
    exchange_.operations = exchange_.messages + kStreamWarmUp;
    return true;
  }

  bool round_trips() {
    std::uint64_t sequence = 0;
    const std::uint64_t warm_up_end_ns = clock_.monotonic_ns() + options_.slot_ns;
    while (sequence < kComparedMessages ||
           (sequence < options_.warm_up_calls && clock_.monotonic_ns() < warm_up_end_ns)) {
      if (!contender_.ask(++sequence)) return false;
    }
    const std::uint64_t cpu_before = cpu_time_ns(peer_);
    const std::uint64_t end_ns = clock_.monotonic_ns() + options_.slot_ns;
    const std::size_t samples_max = std::min(options_.samples_max, kSamplesMax);
    std::size_t& count = exchange_.sample_count;
    std::uint64_t now_ns = 0;
    while (count < samples_max && now_ns < end_ns) {
      be_busy(options_.gap_ns);
      const std::uint64_t start_ns = clock_.monotonic_ns();
      if (!contender_.ask(++sequence)) return false;
      now_ns = clock_.monotonic_ns();
      exchange_.samples_ns[count++] = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(now_ns - start_ns, std::numeric_limits<std::uint32_t>::max()));
    }
    exchange_.cpu_ns = cpu_time_ns(peer_) - cpu_before;
    exchange_.operations = count;
    const bool stopped = contender_.ask(kStop);
    contender_.hang_up();
    return stopped;
  }

  /// Not asleep: a program that calls is running, and a sleep of 100 us would end 50 us late.
  void be_busy(std::uint64_t ns) const noexcept {
    if (ns == 0) return;
    const std::uint64_t end_ns = clock_.monotonic_ns() + ns;
    while (clock_.monotonic_ns() < end_ns) {
    }
  }

  SystemClock clock_;
  Contender& contender_;
  const LaneOptions& options_;
  Exchange& exchange_;
  pid_t peer_;
};

bool run_peer(Contender& contender, const LaneOptions& options, Exchange& exchange) {
  if (options.setup.traffic == Traffic::kRoundTrips) return contender.answer_all();
  StreamMeter meter(exchange);
  return contender.receive_stream(meter);
}

/// One end from start to finish. `peer`: process whose processor time is the caller's to count.
ExitCode run_end(Role role, Contender& contender, const LaneOptions& options, Exchange& exchange,
                 pid_t peer) {
  if (role == Role::kCaller) exchange.wait_for_blocking(Role::kPeer, Step::kBound);
  if (role == Role::kPeer && !contender.bind_peer()) return kNotOpened;
  exchange.reach(role, Step::kBound);
  if (!contender.open(role)) return kNotOpened;
  exchange.reach(role, Step::kOpen);
  exchange.wait_for_blocking(other(role), Step::kOpen);
  const bool done = role == Role::kCaller ? Caller(contender, options, exchange, peer).run()
                                          : run_peer(contender, options, exchange);
  if (!done) return kNotTransferred;
  exchange.reach(role, Step::kFinished);
  // Threads of a library may still be sending what this end said last.
  exchange.wait_for_blocking(other(role), Step::kFinished);
  return kDone;
}

[[noreturn]] void be_process(ExitCode (*body)(void*), void* argument) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::alarm(kEndSecondsMax);
  ::_exit(body(argument));
}

struct EndJob {
  Role role;
  Contender& contender;
  const LaneOptions& options;
  Exchange& exchange;
  std::vector<int> processors;
  pid_t peer = 0;

  void pin(Role which) const noexcept {
    if (options.placement == Placement::kPinned) pin_to(processors[index_of(which)]);
  }
};

ExitCode process_body(void* argument) {
  const EndJob& job = *static_cast<EndJob*>(argument);
  job.pin(job.role);
  return run_end(job.role, job.contender, job.options, job.exchange, job.peer);
}

ExitCode threads_body(void* argument) {
  const EndJob& job = *static_cast<EndJob*>(argument);
  std::thread peer([&job] {
    job.pin(Role::kPeer);
    const ExitCode code = run_end(Role::kPeer, job.contender, job.options, job.exchange, 0);
    if (code != kDone) ::_exit(code);
  });
  job.pin(Role::kCaller);
  const ExitCode code = run_end(Role::kCaller, job.contender, job.options, job.exchange, 0);
  if (code != kDone) ::_exit(code);
  peer.join();
  return kDone;
}

pid_t start(ExitCode (*body)(void*), EndJob job) {
  const pid_t child = ::fork();
  if (child == 0) be_process(body, &job);
  return child;
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return "ended by signal " + std::to_string(WTERMSIG(status));
  switch (WEXITSTATUS(status)) {
    case kNotOpened:
      return "could not be opened";
    case kNotTransferred:
      return "failed to transfer, or got wrong bytes";
    default:
      return "ended with code " + std::to_string(WEXITSTATUS(status));
  }
}

/// Waits for all children; the first that fails takes the others with it. Empty if none failed.
std::string await_all(std::vector<pid_t> children) {
  const pid_t group = children.front();
  std::string failure;
  while (!children.empty()) {
    int status = 0;
    const pid_t ended = ::waitpid(-group, &status, 0);
    if (ended < 0) {
      if (errno == EINTR) continue;
      return "lost a child";
    }
    std::erase(children, ended);
    if (status == 0) continue;
    if (failure.empty()) failure = "one end " + describe(status);
    for (const pid_t child : children) ::kill(child, SIGKILL);
  }
  return failure;
}

LaneRun collect(const Exchange& exchange) {
  LaneRun run;
  run.samples_ns.assign(
      exchange.samples_ns.begin(),
      exchange.samples_ns.begin() + static_cast<std::ptrdiff_t>(exchange.sample_count));
  if (exchange.messages != 0) {
    run.messages_per_s = static_cast<double>(exchange.messages) * 1e9 /
                         static_cast<double>(exchange.last_ns - exchange.first_ns);
  }
  if (exchange.operations != 0) {
    run.cpu_ns_per_operation =
        static_cast<double>(exchange.cpu_ns) / static_cast<double>(exchange.operations);
  }
  return run;
}

}  // namespace

Result<LaneRun> run_lane(const MakeContender& make, const LaneOptions& options) {
  const std::vector<int> processors = bench::usable_processors();
  if (options.placement == Placement::kPinned && processors.size() < 2) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kUnspecified, "needs two processors");
  }
  const Shared<Exchange> exchange;
  const auto contender = make(options.setup);
  if (contender == nullptr) {
    return fail(ErrorKind::kInternal, ErrorCode::kUnspecified, "the contender was not made");
  }
  std::vector<pid_t> children;
  const auto add = [&](ExitCode (*body)(void*), Role role, pid_t peer) {
    const pid_t child = start(body, {role, *contender, options, *exchange, processors, peer});
    if (child <= 0) return false;
    ::setpgid(child, children.empty() ? child : children.front());
    children.push_back(child);
    return true;
  };
  const bool started =
      options.ends == Ends::kThreads
          ? add(threads_body, Role::kCaller, 0)
          : add(process_body, Role::kPeer, 0) && add(process_body, Role::kCaller, children.front());
  if (!started) {
    for (const pid_t child : children) ::kill(child, SIGKILL);
  }
  const std::string failure = children.empty() ? "" : await_all(children);
  if (!started) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "fork"));
  if (!failure.empty()) return fail(ErrorKind::kInternal, ErrorCode::kUnspecified, failure);
  return collect(*exchange);
}

}  // namespace mcpwire::peers
