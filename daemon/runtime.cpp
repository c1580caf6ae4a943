// SPDX-License-Identifier: MIT
#include "daemon/runtime.hpp"

#include "daemon/predecessor.hpp"
#include "daemon/shard_parts.hpp"
#include "io/sleep.hpp"
#include "io/system_random.hpp"
#include "protocol/base/check.hpp"
#include "protocol/version.hpp"
#include "ring/wake_price.hpp"

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

// A predecessor needs at most its stop ladder (4 s) for servers that ignore everything.
constexpr std::uint64_t kPredecessorPatienceNs = 8 * kNanosecondsPerSecond;

Result<ring::RuntimeDirectory> open_directory(const std::string& path) {
  return path.empty() ? ring::RuntimeDirectory::resolve() : ring::RuntimeDirectory::open(path);
}

std::string joined(const std::string& one, const std::string& other) {
  return one + (one.empty() || other.empty() ? "" : "; ") + other;
}

/// What this daemon does without, whatever backend it has.
std::string own_warning(const DaemonOptions& options, const Log& log) {
  return joined(options.inherited_limits,
                log.fault().empty() ? "" : "no daemon.log: " + log.fault());
}

DaemonFacts make_facts(const DaemonOptions& options, const ring::RuntimeDirectory& directory,
                       const io::Loop& loop, const Log& log) {
  io::SystemRandom random;
  return {random.next(),
          loop.now_ns(),
          loop.features().bits(),
          directory.path(),
          options.shards,
          std::string(loop.backend_name()),
          joined(loop.backend_warning(), own_warning(options, log))};
}

}  // namespace

Result<McpRuntime::Parts> McpRuntime::prepare(const DaemonOptions& options) {
  io::forbid_core_dumps();
  ring::RuntimeDirectory directory = TRY(open_directory(options.runtime_directory));
  UniqueFd lock = TRY(take_instance_lock(directory, kPredecessorPatienceNs));
  auto log = std::make_unique<Log>(directory.log_path());
  if (const std::string warning = own_warning(options, *log); !warning.empty()) log->warn(warning);
  Shard::Parts first = TRY(prepare_shard(options, *log, 0));
  Result<std::unique_ptr<io::StrayChildren>> strays =
      io::StrayChildren::adopt(*first.loop, *first.guardian);
  if (!strays.has_value()) {
    log->warn("processes that leave their server's group are not ended: " +
              strays.error().message());
  }
  first.helper = TRY(io::HelperThread::create(*first.loop));
  std::unique_ptr<io::ShardMail> mail;
  if (options.shards > 1) mail = TRY(io::ShardMail::create(options.shards));
  return Parts{std::move(directory), std::move(lock),
               std::move(log),       std::move(strays).value_or(nullptr),
               std::move(mail),      std::move(first)};
}

Result<std::unique_ptr<McpRuntime>> McpRuntime::create(const DaemonOptions& options) {
  Parts parts = TRY(prepare(options));
  std::unique_ptr<McpRuntime> runtime(new McpRuntime(options, std::move(parts)));
  TRY(runtime->start_others());
  TRY(runtime->listen());
  return runtime;
}

McpRuntime::McpRuntime(const DaemonOptions& options, Parts parts)
    : options_(options),
      parts_(std::move(parts)),
      facts_(make_facts(options, parts_.directory, *parts_.first.loop, *parts_.log)),
      places_(options.shards),
      first_(std::make_unique<Shard>(surroundings(0), std::move(parts_.first))),
      known_(options.shards),
      loop_(first_->loop()),
      tasks_(loop_),
      background_(loop_),
      shutdown_(loop_),
      idle_timer_(*this) {
  known_[0].shard = first_.get();
}

McpRuntime::~McpRuntime() {
  others_.clear();
  listener_.reset();
  signals_.reset();
  parts_.strays.reset();
}

ShardSurroundings McpRuntime::surroundings(std::size_t number) {
  ShardSurroundings around{options_, *parts_.log, facts_};
  around.number = number;
  around.on_change = [this, number] { report_change(number); };
  if (number == 0) {
    around.request_shutdown = [this] { request_shutdown("asked to"); };
  } else {
    around.request_shutdown = [this, number] {
      places_[number].port->send(0, [this] { request_shutdown("asked to"); });
    };
    around.groups = groups_[number - 1].get();
  }
  if (parts_.mail == nullptr) return around;
  around.mail = parts_.mail.get();
  around.places = &places_;
  return around;
}

/// On the thread that becomes its loop's.
Result<std::unique_ptr<Shard>> McpRuntime::make_shard(std::size_t number) {
  Shard::Parts parts = TRY(prepare_shard(options_, *parts_.log, number));
  parts.helper = TRY(io::HelperThread::create(*parts.loop));
  return std::make_unique<Shard>(surroundings(number), std::move(parts));
}

Result<void> McpRuntime::start_others() {
  for (std::size_t number = 1; number < options_.shards; ++number) {
    auto groups = std::make_unique<ShardGroups>();
    groups->on_ended = [this, number](std::int32_t group) {
      places_[number].port->send(0, [this, group] {
        if (parts_.strays != nullptr) parts_.strays->note_group_elsewhere_ended(group);
      });
    };
    if (parts_.strays != nullptr) parts_.strays->watch_groups_elsewhere(groups->count);
    groups_.push_back(std::move(groups));
    others_.push_back(
        TRY(ShardThread::start_blocking([this, number] { return make_shard(number); })));
    known_[number].shard = &others_.back()->shard();
  }
  return {};
}

Result<void> McpRuntime::listen() {
  signals_ = TRY(io::SignalWatcher::create(first_->loop(), *this));
  // Named here because make_unique may not see a private base.
  io::SeqpacketListener::Observer& observer = *this;
  listener_ =
      std::make_unique<SocketKeeper>(first_->loop(), parts_.directory, parts_.instance_lock.get(),
                                     *parts_.log, observer, [this] { on_place_lost(); });
  TRY(listener_->listen());
  parts_.log->info(
      "mcpwired " + std::string(kVersion) + " serves " + parts_.directory.path() + " as process " +
      std::to_string(::getpid()) +
      (options_.shards == 1 ? "" : " on " + std::to_string(options_.shards) + " loops"));
  if (first_->loop().has_small_queues()) {
    parts_.log->warn(
        "little locked memory: io_uring's queues are small, which costs time under load; see "
        "RLIMIT_MEMLOCK (`ulimit -l`)");
  }
  return {};
}

void McpRuntime::run() {
  first_->start();
  for (const std::unique_ptr<ShardThread>& other : others_) {
    Shard* shard = &other->shard();
    first_->port()->send(shard->number(), [shard] { shard->start(); });
    other->let_run();
  }
  watch_idleness();
  tasks_.spawn(serve());
  background_.spawn(learn_wake_price());
  first_->loop().run();
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
  const auto price = co_await first_->helper().run(scope, measure);
  if (!price.has_value() || !price->has_value()) co_return Result<void>{};
  const std::uint64_t wake_ns = price->value();
  first_->set_wake_price(wake_ns);
  for (const std::unique_ptr<ShardThread>& other : others_) {
    Shard* shard = &other->shard();
    first_->port()->send(shard->number(), [shard, wake_ns] { shard->set_wake_price(wake_ns); });
  }
  parts_.log->info("waking a thread takes " + std::to_string(wake_ns / 1000) + " us here");
  co_return Result<void>{};
}

void McpRuntime::request_shutdown(std::string_view why) {
  if (shutdown_.is_resolved()) return;
  parts_.log->info("shutting down: " + std::string(why));
  shutdown_.resolve({});
}

void McpRuntime::on_connection(UniqueFd socket) {
  if (shutdown_.is_resolved()) return;
  loop_.disarm(idle_timer_);
  const std::size_t number = next_;
  next_ = (next_ + 1) % known_.size();
  Shard* shard = known_[number].shard;
  ++known_[number].given;
  if (number == 0) return shard->take_client(std::move(socket));
  first_->port()->send(number, [shard, socket = std::move(socket)]() mutable {
    shard->take_client(std::move(socket));
  });
}

/// On the loop of that shard.
void McpRuntime::report_change(std::size_t number) {
  if (number == 0) return note_change(0, first_->taken(), first_->use());
  Shard* shard = known_[number].shard;
  shard->port()->send(0, [this, number, taken = shard->taken(), use = shard->use()] {
    note_change(number, taken, use);
  });
}

void McpRuntime::note_change(std::size_t number, std::uint64_t taken, ShardUse use) {
  known_[number].taken = taken;
  known_[number].use = use;
  watch_idleness();
}

void McpRuntime::watch_idleness() {
  if (shutdown_.is_resolved()) return;
  bool has_servers = false;
  for (const Known& known : known_) {
    if (known.use.has_clients || known.given != known.taken) return;
    has_servers = has_servers || known.use.has_servers;
  }
  if (is_place_lost_) return loop_.arm(idle_timer_, loop_.now_ns());
  if (has_servers) return;
  loop_.arm(idle_timer_, loop_.now_ns() + options_.daemon_idle_ns);
}

/// Whoever is connected is served to the end; nobody else comes.
void McpRuntime::on_place_lost() {
  is_place_lost_ = true;
  watch_idleness();
}

void McpRuntime::on_listener_failed(const Error& why) {
  parts_.log->warn("the socket failed: " + why.message());
  request_shutdown("nobody can connect any more");
}

void McpRuntime::on_out_of_descriptors() {
  parts_.log->warn("no descriptor is left for another client (" +
                   std::to_string(::sysconf(_SC_OPEN_MAX)) +
                   ", see `ulimit -n`): who connects is turned away until one is free, which is "
                   "not logged again");
}

void McpRuntime::on_signal(int signal) { request_shutdown("signal " + std::to_string(signal)); }

}  // namespace mcpwire::daemon
