// SPDX-License-Identifier: MIT
#include "daemon/shard.hpp"

#include "protocol/base/check.hpp"
#include "protocol/version.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

namespace mcpwire::daemon {
namespace {

/// Spinners yield the processor after a few microseconds, so several on one do better than if they
/// slept (docs/adr/0004-wake-up.md); the limit is where that was last seen to hold.
constexpr std::size_t kSpinnersPerProcessor = 16;

}  // namespace

Shard::Shard(ShardSurroundings surroundings, Parts parts)
    : Owner(services_),
      surroundings_(std::move(surroundings)),
      parts_(std::move(parts)),
      loop_(*parts_.loop),
      visits_(loop_),
      steps_(loop_),
      own_spawner_(*parts_.loop, *parts_.guardian, parts_.cgroups.get()),
      verdicts_(loop_, *parts_.helper, files_, clock_, surroundings_.options.era_verdicts_path),
      transports_(*parts_.loop, spawner(), files_, verdicts_, surroundings_.options.kinds),
      factory_(transports_, surroundings_.places, surroundings_.number),
      pool_(loop_, factory_, {.idle_stop_ns = surroundings_.options.server_idle_ns}),
      subscriptions_(loop_, pool_),
      log_levels_(loop_, pool_),
      executor_(loop_, surroundings_.options.concurrency),
      configurations_(loop_, *parts_.helper, files_, pool_, surroundings_.options.kinds),
      services_{loop_,
                pool_,
                executor_,
                configurations_,
                counters_,
                surroundings_.log,
                surroundings_.facts,
                surroundings_.request_shutdown},
      channels_(*parts_.loop, channel_options()),
      endings_(loop_),
      no_sessions_(loop_) {
  pool_.on_empty([this] { surroundings_.on_change(); });
  services_.helper = parts_.helper.get();
  services_.subscriptions = &subscriptions_;
  services_.log_levels = &log_levels_;
  services_.totals = [this] { return totals(); };
  if (surroundings_.mail != nullptr) join_others();
}

Shard::~Shard() { MCPWIRE_CHECK(sessions_.empty()); }

ProcessSpawner& Shard::spawner() {
  if (surroundings_.groups == nullptr) return own_spawner_;
  return elsewhere_spawner_.emplace(own_spawner_, *parts_.guardian, *surroundings_.groups);
}

void Shard::join_others() {
  port_.emplace(*parts_.loop, *surroundings_.mail, surroundings_.number);
  neighbours_.emplace(*surroundings_.places, surroundings_.number);
  services_.neighbours = &*neighbours_;
  exchange_.emplace(*surroundings_.places, surroundings_.number, subscriptions_);
  subscriptions_.use_exchange(&*exchange_);
  (*surroundings_.places)[surroundings_.number] = ShardPlace{
      &loop_, &pool_, &*port_, &visits_, [this] { return totals(); }, &*exchange_, &log_levels_};
}

io::ChannelHostOptions Shard::channel_options() {
  io::ChannelHostOptions options;
  options.daemon_instance = services_.facts.instance;
  options.daemon_pid = ::getpid();
  options.daemon_version = kVersion;
  // Each shard keeps its own account of a process: of all of them it gets the whole.
  const std::size_t shards = surroundings_.places == nullptr ? 1 : surroundings_.places->size();
  const std::size_t processors = std::thread::hardware_concurrency();
  options.spinning_clients_max = processors < 2 ? 0 : processors * kSpinnersPerProcessor / shards;
  for (std::uint64_t& amount : options.quota) amount = std::max<std::uint64_t>(1, amount / shards);
  const auto open_files = static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_OPEN_MAX)));
  // One process alone can have half of each: at most seven eighths of the descriptors.
  options.quota[ring::index_of(ring::Resource::kConnections)] = open_files * 3 / 2 / shards;
  options.quota[ring::index_of(ring::Resource::kDescriptors)] = open_files / 4 / shards;
  options.on_over_quota = [this](std::int32_t process, const char* what) {
    ++counters_.refusals;
    surroundings_.log.warn("process " + std::to_string(process) + " has too many " + what +
                           ": it is refused more, which is not logged again");
  };
  options.on_violation = [this](std::int32_t process, const Error& why) {
    ++counters_.violations;
    surroundings_.log.warn("client " + std::to_string(process) +
                           " broke the protocol: " + why.message());
  };
  options.on_no_shared_memory = [this](const Error& why) {
    surroundings_.log.warn("no shared memory: clients are served over the socket, more slowly: " +
                           why.message());
  };
  return options;
}

DaemonTotals Shard::totals() const {
  const auto& answers = channels_.large_payloads();
  const io::LargeLineCounters& lines = transports_.large_lines();
  const io::LoopCounters loop = parts_.loop->counters();
  return {counters_.calls,
          counters_.clients,
          pool_.active_count() - factory_.remotes(),
          counters_.violations,
          counters_.refusals,
          {answers.in_slabs, answers.new_slabs, answers.bytes_copied, lines.lines, lines.reads,
           lines.bytes_read, lines.bytes_copied},
          {{loop.turns, loop.system_calls, counters_.calls,
            telemetry::Distribution::of(parts_.loop->lag().stretches())}}};
}

void Shard::start() { verdicts_.start_reading(); }

void Shard::take_client(UniqueFd socket) {
  ++taken_;
  if (is_ending_) return;
  Result<std::unique_ptr<io::ClientChannel>> channel =
      io::ClientChannel::create(channels_, std::move(socket));
  if (!channel.has_value()) {
    surroundings_.on_change();
    // A process over its share was told of already, and may come again at once.
    if (channel.error().kind == ErrorKind::kOverloaded) return;
    surroundings_.log.warn("a client was turned away: " + channel.error().message());
    return;
  }
  // Named here because make_unique may not see a private base.
  Session::Owner& owner = *this;
  Session& session = *std::make_unique<Session>(*std::move(channel), owner).release();
  sessions_.push_back(session);
  session.start();
}

void Shard::on_session_closing(Session& session) {
  endings_.spawn(end_session(std::unique_ptr<Session>(&session)));
}

io::task<Result<void>> Shard::end_session(std::unique_ptr<Session> session) {
  const Result<void> ended = co_await session->end();
  session.reset();
  if (is_ending_ && sessions_.empty()) no_sessions_.resolve({});
  surroundings_.on_change();
  co_return ended;
}

void Shard::run_step(Step step, std::function<void()> then) {
  steps_.spawn(take_step(step, std::move(then)));
}

io::task<Result<void>> Shard::take_step(Step step, std::function<void()> then) {
  co_await (this->*step)();
  then();
  co_return Result<void>{};
}

io::task<void> Shard::end_clients() {
  io::CancelScope never;
  is_ending_ = true;
  sessions_.for_each([](Session& session) { session.stop(); });
  if (sessions_.empty()) no_sessions_.resolve({});
  [[maybe_unused]] const Result<void> all_end = co_await no_sessions_.wait(never);
  [[maybe_unused]] const Result<void> left = co_await endings_.join();
  co_await configurations_.stop();
  co_await subscriptions_.stop();
  co_await log_levels_.stop();
}

io::task<void> Shard::end_servers() {
  co_await pool_.clear();
  co_await verdicts_.stop();
}

io::task<void> Shard::end_visits() {
  [[maybe_unused]] const Result<void> ended = co_await visits_.join();
  parts_.helper->stop();
}

}  // namespace mcpwire::daemon
