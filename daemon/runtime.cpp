// SPDX-License-Identifier: MIT
#include "daemon/runtime.hpp"

#include "daemon/predecessor.hpp"
#include "io/sleep.hpp"
#include "io/system_random.hpp"
#include "protocol/base/check.hpp"
#include "protocol/version.hpp"
#include "ring/wake_price.hpp"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

// A predecessor needs at most its stop ladder (4 s) for servers that ignore everything.
constexpr std::uint64_t kPredecessorPatienceNs = 8 * kNanosecondsPerSecond;

/// Spinners yield the processor after a few microseconds, so several on one do better than if they
/// slept (docs/adr/0004-wake-up.md); the limit is where that was last seen to hold.
constexpr std::size_t kSpinnersPerProcessor = 16;

Result<ring::RuntimeDirectory> open_directory(const std::string& path) {
  return path.empty() ? ring::RuntimeDirectory::resolve() : ring::RuntimeDirectory::open(path);
}

std::string cgroup_text(const Result<std::unique_ptr<io::CgroupTree>>& cgroups) {
  if (!cgroups.has_value()) {
    return "servers get no cgroup (limits.memoryBytes has no effect): " + cgroups.error().message();
  }
  std::string text = "each server gets a cgroup below " + (*cgroups)->path();
  if (!(*cgroups)->can_limit_memory()) text += "; limits.memoryBytes has no effect there";
  if (!(*cgroups)->can_limit_processes()) text += "; limits.processes is an rlimit";
  return text;
}

DaemonFacts make_facts(const ring::RuntimeDirectory& directory, const io::Loop& loop) {
  io::SystemRandom random;
  return {random.next(),
          loop.now_ns(),
          loop.features().bits(),
          directory.path(),
          std::string(loop.backend_name()),
          loop.backend_warning()};
}

}  // namespace

Result<McpRuntime::Parts> McpRuntime::prepare(const DaemonOptions& options) {
  io::forbid_core_dumps();
  ring::RuntimeDirectory directory = TRY(open_directory(options.runtime_directory));
  UniqueFd lock = TRY(take_instance_lock(directory, kPredecessorPatienceNs));
  auto log = std::make_unique<Log>(directory.log_path());
  std::unique_ptr<io::Loop> loop = TRY(
      io::Loop::create({.backend = options.backend, .hidden_features = options.hidden_features}));
  if (!loop->backend_warning().empty()) log->warn(loop->backend_warning());
  Result<std::unique_ptr<io::CgroupTree>> cgroups = io::CgroupTree::create(*loop);
  log->info(cgroup_text(cgroups));
  std::vector<std::string> guardian_arguments = {kGuardianArgument};
  if (cgroups.has_value()) guardian_arguments.push_back((*cgroups)->path());
  std::unique_ptr<io::Guardian> guardian =
      TRY(io::Guardian::start(*loop, {.arguments = std::move(guardian_arguments)}));
  Result<std::unique_ptr<io::StrayChildren>> strays = io::StrayChildren::adopt(*loop, *guardian);
  if (!strays.has_value()) {
    log->warn("processes that leave their server's group are not ended: " +
              strays.error().message());
  }
  std::unique_ptr<io::HelperThread> helper = TRY(io::HelperThread::create(*loop));
  return Parts{std::move(directory),
               std::move(lock),
               std::move(log),
               std::move(loop),
               std::move(cgroups).value_or(nullptr),
               std::move(guardian),
               std::move(strays).value_or(nullptr),
               std::move(helper)};
}

Result<std::unique_ptr<McpRuntime>> McpRuntime::create(const DaemonOptions& options) {
  Parts parts = TRY(prepare(options));
  std::unique_ptr<McpRuntime> runtime(new McpRuntime(options, std::move(parts)));
  TRY(runtime->listen());
  return runtime;
}

McpRuntime::McpRuntime(const DaemonOptions& options, Parts parts)
    : options_(options),
      parts_(std::move(parts)),
      loop_(*parts_.loop),
      spawner_(*parts_.loop, *parts_.guardian, parts_.cgroups.get()),
      verdicts_(loop_, *parts_.helper, files_, clock_, options.era_verdicts_path),
      transports_(*parts_.loop, spawner_, verdicts_),
      pool_(loop_, transports_, {.idle_stop_ns = options.server_idle_ns}),
      subscriptions_(loop_, pool_),
      executor_(loop_, options.concurrency),
      configurations_(loop_, *parts_.helper, files_, pool_),
      services_{loop_,
                pool_,
                executor_,
                configurations_,
                counters_,
                *parts_.log,
                make_facts(parts_.directory, *parts_.loop),
                [this] { request_shutdown("asked to"); }},
      channels_(*parts_.loop, channel_options()),
      tasks_(loop_),
      background_(loop_),
      endings_(loop_),
      no_sessions_(loop_),
      shutdown_(loop_),
      idle_timer_(*this) {
  pool_.on_empty([this] { watch_idleness(); });
  services_.large_payloads = [this] { return large_payloads(); };
  services_.subscriptions = &subscriptions_;
}

McpRuntime::~McpRuntime() { MCPWIRE_CHECK(sessions_.empty()); }

io::ChannelHostOptions McpRuntime::channel_options() {
  io::ChannelHostOptions options;
  options.daemon_instance = services_.facts.instance;
  options.daemon_pid = ::getpid();
  options.daemon_version = kVersion;
  // All but the one that this daemon needs.
  const std::size_t processors = std::thread::hardware_concurrency();
  options.spinning_clients_max = processors < 2 ? 0 : processors * kSpinnersPerProcessor;
  const auto open_files = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_OPEN_MAX)));
  // One process alone can have half of each: at most seven eighths of the descriptors.
  options.quota[ring::index_of(ring::Resource::kConnections)] = open_files * 3 / 2;
  options.quota[ring::index_of(ring::Resource::kDescriptors)] = open_files / 4;
  options.on_over_quota = [this](std::int32_t process, const char* what) {
    ++counters_.refusals;
    parts_.log->warn("process " + std::to_string(process) + " has too many " + what +
                     ": it is refused more, which is not logged again");
  };
  options.on_violation = [this](std::int32_t process, const Error& why) {
    ++counters_.violations;
    parts_.log->warn("client " + std::to_string(process) + " broke the protocol: " + why.message());
  };
  options.on_no_shared_memory = [this](const Error& why) {
    parts_.log->warn("no shared memory: clients are served over the socket, more slowly: " +
                     why.message());
  };
  return options;
}

protocol::LargePayloadCounters McpRuntime::large_payloads() const noexcept {
  const auto& answers = channels_.large_payloads();
  const io::LargeLineCounters& lines = transports_.large_lines();
  return {answers.in_slabs, answers.new_slabs, answers.bytes_copied, lines.lines,
          lines.reads,      lines.bytes_read,  lines.bytes_copied};
}

Result<void> McpRuntime::listen() {
  signals_ = TRY(io::SignalWatcher::create(*parts_.loop, *this));
  UniqueFd socket = TRY(io::create_listening_socket(parts_.directory.socket_path()));
  // Named here because make_unique may not see a private base.
  io::SeqpacketListener::Observer& observer = *this;
  listener_ = std::make_unique<io::SeqpacketListener>(*parts_.loop, std::move(socket), observer);
  listener_->start();
  parts_.log->info("mcpwired " + std::string(kVersion) + " serves " + parts_.directory.path() +
                   " as process " + std::to_string(::getpid()));
  if (parts_.loop->has_small_queues()) {
    parts_.log->warn(
        "little locked memory: io_uring's queues are small, which costs time under load; see "
        "RLIMIT_MEMLOCK (`ulimit -l`)");
  }
  return {};
}

void McpRuntime::run() {
  verdicts_.start_reading();
  watch_idleness();
  tasks_.spawn(serve());
  background_.spawn(learn_wake_price());
  parts_.loop->run();
}

io::task<Result<void>> McpRuntime::serve() {
  io::CancelScope never;
  [[maybe_unused]] const Result<void> asked = co_await shutdown_.wait(never);
  loop_.disarm(idle_timer_);
  background_.cancel_scope().cancel(io::CancelCause::kShutdown);
  [[maybe_unused]] const Result<void> gone = co_await background_.join();
  // First the socket: whoever comes now finds nobody and starts a successor, which waits for us.
  ::unlink(parts_.directory.socket_path().c_str());
  listener_->close();
  sessions_.for_each([](Session& session) { session.stop(); });
  if (sessions_.empty()) no_sessions_.resolve({});
  [[maybe_unused]] const Result<void> all_end = co_await no_sessions_.wait(never);
  [[maybe_unused]] const Result<void> left = co_await endings_.join();
  co_await configurations_.stop();
  co_await subscriptions_.stop();
  co_await pool_.clear();
  co_await verdicts_.stop();
  if (parts_.strays != nullptr) parts_.strays->end_all_blocking();
  parts_.helper->stop();
  parts_.log->info("mcpwired ends");
  parts_.loop->stop();
  co_return Result<void>{};
}

/// Not before the first clients are served: the constants are good enough for them.
io::task<Result<void>> McpRuntime::learn_wake_price() {
  io::CancelScope& scope = background_.cancel_scope();
  const auto slept = co_await io::sleep_until(loop_, scope, loop_.now_ns() + kNanosecondsPerSecond);
  if (!slept.has_value()) co_return Result<void>{};
  // A variable: see the rules for coroutines in CONTRIBUTING.md.
  auto measure = []() -> Result<std::optional<std::uint64_t>> {
    return ring::measure_wake_price_blocking();
  };
  const auto price = co_await parts_.helper->run(scope, measure);
  if (!price.has_value() || !price->has_value()) co_return Result<void>{};
  channels_.set_wake_price(price->value());
  parts_.log->info("waking a thread takes " + std::to_string(price->value() / 1000) + " us here");
  co_return Result<void>{};
}

void McpRuntime::request_shutdown(std::string_view why) {
  if (shutdown_.is_resolved()) return;
  parts_.log->info("shutting down: " + std::string(why));
  shutdown_.resolve({});
}

void McpRuntime::on_connection(UniqueFd socket) {
  if (shutdown_.is_resolved()) return;
  Result<std::unique_ptr<io::ClientChannel>> channel =
      io::ClientChannel::create(channels_, std::move(socket));
  if (!channel.has_value()) {
    // A process over its share was told of already, and may come again at once.
    if (channel.error().kind == ErrorKind::kOverloaded) return;
    parts_.log->warn("a client was turned away: " + channel.error().message());
    return;
  }
  // Named here because make_unique may not see a private base.
  Session::Owner& owner = *this;
  Session& session = *std::make_unique<Session>(services_, *std::move(channel), owner).release();
  sessions_.push_back(session);
  loop_.disarm(idle_timer_);
  session.start();
}

void McpRuntime::on_session_closing(Session& session) {
  endings_.spawn(end_session(std::unique_ptr<Session>(&session)));
}

io::task<Result<void>> McpRuntime::end_session(std::unique_ptr<Session> session) {
  const Result<void> ended = co_await session->end();
  session.reset();
  if (shutdown_.is_resolved() && sessions_.empty()) no_sessions_.resolve({});
  watch_idleness();
  co_return ended;
}

void McpRuntime::watch_idleness() {
  if (shutdown_.is_resolved() || counters_.clients > 0 || pool_.active_count() > 0) return;
  loop_.arm(idle_timer_, loop_.now_ns() + options_.daemon_idle_ns);
}

void McpRuntime::on_listener_failed(const Error& why) {
  parts_.log->warn("the socket failed: " + why.message());
  request_shutdown("nobody can connect any more");
}

void McpRuntime::on_signal(int signal) { request_shutdown("signal " + std::to_string(signal)); }

}  // namespace mcpwire::daemon
