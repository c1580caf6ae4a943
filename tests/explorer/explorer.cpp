// SPDX-License-Identifier: MIT
#include "tests/explorer/explorer.hpp"

#include "protocol/base/check.hpp"
#include "tests/explorer/fiber.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <iomanip>
#include <memory>
#include <sstream>
#include <unordered_set>

namespace mcpwire::explorer {

namespace {

template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

enum class Kind : std::uint8_t { kLoad, kStore, kRing, kWait, kWaitEnd, kSpin };

/// What a suspended thread is about to do.
struct Pending {
  Kind kind;
  std::memory_order order;
  std::uint32_t line;
  const char* file;
  void* address;
  std::size_t bytes;
  std::uint64_t value;  ///< To store, or what the load returned; the other thread of a doorbell.
};

/// One way to go on: a thread and which of the values or places it gets.
struct Step {
  std::uint8_t thread;
  bool dies;
  std::uint16_t option;
};

struct Thread {
  Fiber fiber;
  Pending pending;
  StateHash history;
  bool ended = false;
  bool died = false;
  std::uint64_t doorbells = 0;  ///< Written for it since it last took them.
  Memory::Knowledge told;       ///< By those who wrote them.
};

struct Decision {
  std::uint32_t chosen;
  std::uint32_t count;
};

class Engine {
 public:
  Engine(Program& program, const Options& options);

  Report run();

  // Called on fibers, or during Program::start() by whoever runs the engine.
  std::uint64_t submit(Pending pending);
  [[noreturn]] void fail_here(std::string_view what);
  bool is_in_fiber() const { return running_ != kNobody; }
  Memory& memory() { return memory_; }
  ThreadId self() const { return static_cast<ThreadId>(running_ + 1); }
  const Options& options() const { return options_; }
  void check_race(bool fine, const void* address, std::string_view what);

 private:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  void execute();
  bool advance();
  void resume(std::size_t thread);
  void collect_steps();
  void collect_steps_of(std::size_t thread);
  void perform(const Step& step);
  void perform_access(Thread& thread, std::size_t index, const Step& step);
  void find_who_sleeps_for_ever();
  bool is_new_state();
  template <class... Parts>
  void note(std::size_t thread, const Parts&... parts) {
    if (tracing_) trace_ += text_of("  ", thread, ": ", parts..., '\n');
  }
  void note_access(std::size_t index, const Pending& access);
  std::string replay_text() const;
  void follow(std::string_view replay);

  Program& program_;
  Options options_;
  Memory memory_;
  std::array<Thread, kThreadsMax - 1> threads_;
  std::size_t thread_count_;
  std::size_t running_ = kNobody;
  std::size_t last_run_ = 0;
  std::vector<Decision> decisions_;
  std::size_t depth_ = 0;
  std::size_t replayed_ = 0;  ///< Decisions before this one are those of the last execution.
  std::vector<Step> steps_;
  std::unordered_set<StateHash, StateHashOf> seen_;
  std::optional<std::string> failure_;
  std::string trace_;
  bool tracing_ = false;
  Report report_;
};

/// The engine that runs on this thread; the modelled accessors have no other way to it.
Engine* engine = nullptr;

Engine::Engine(Program& program, const Options& options)
    : program_(program), options_(options), thread_count_(program.thread_count()) {
  MCPWIRE_CHECK(thread_count_ < kThreadsMax);
}

std::uint64_t Engine::submit(Pending pending) {
  Thread& thread = threads_[running_];
  thread.pending = pending;
  thread.fiber.suspend();
  return thread.pending.value;
}

void Engine::fail_here(std::string_view what) {
  if (!failure_) failure_ = std::string(what);
  // Nobody resumes it: the execution is over.
  for (;;) threads_[running_].fiber.suspend();
}

void Engine::check_race(bool fine, const void* address, std::string_view what) {
  if (fine) return;
  const std::string text =
      text_of("data race: ", what, " of ", program_.describe(memory_.offset_of(address)),
              " is not ordered after another thread's");
  if (is_in_fiber()) fail_here(text);
  if (!failure_) failure_ = text;
}

void Engine::resume(std::size_t thread) {
  running_ = thread;
  if (!threads_[thread].fiber.resume()) threads_[thread].ended = true;
  running_ = kNobody;
}

void Engine::collect_steps_of(std::size_t index) {
  Thread& thread = threads_[index];
  if (thread.ended || thread.died) return;
  const Pending& next = thread.pending;
  const auto who = static_cast<std::uint8_t>(index);
  const auto id = static_cast<ThreadId>(index + 1);
  if (next.kind == Kind::kLoad || next.kind == Kind::kStore) {
    const Alternatives found = next.kind == Kind::kLoad
                                   ? memory_.loads(id, next.address, next.bytes, next.order)
                                   : memory_.stores(id, next.address, next.bytes, next.order);
    MCPWIRE_CHECK(found.count != 0);
    for (std::size_t i = 0; i < found.count; ++i) steps_.push_back({who, false, found.option[i]});
  } else {
    const bool is_enabled =
        next.kind == Kind::kRing || (next.kind == Kind::kWait && thread.doorbells != 0) ||
        (next.kind == Kind::kSpin && memory_.has_newer(id)) ||
        (next.kind == Kind::kWaitEnd && (threads_[next.value].ended || threads_[next.value].died));
    if (is_enabled) steps_.push_back({who, false, 0});
  }
  if (program_.may_die(index)) steps_.push_back({who, true, 0});
}

/// The thread that ran last comes first, and its newest value: the first execution is the plainest.
void Engine::collect_steps() {
  steps_.clear();
  for (std::size_t i = 0; i < thread_count_; ++i) collect_steps_of((last_run_ + i) % thread_count_);
}

void Engine::perform(const Step& step) {
  Thread& thread = threads_[step.thread];
  const auto id = static_cast<ThreadId>(step.thread + 1);
  last_run_ = step.thread;
  if (step.dies) {
    thread.died = true;
    thread.history.mix(0xdead);
    note(step.thread, "dies");
    return;
  }
  switch (thread.pending.kind) {
    case Kind::kLoad:
    case Kind::kStore:
      perform_access(thread, step.thread, step);
      break;
    case Kind::kRing:
      ++threads_[thread.pending.value].doorbells;
      memory_.join(threads_[thread.pending.value].told, memory_.knowledge_of(id));
      thread.history.mix(thread.pending.value);
      note(step.thread, "rings for ", thread.pending.value);
      break;
    case Kind::kWait:
      thread.history.mix(thread.doorbells);
      if (options_.doorbells == Doorbells::kReleaseAndAcquire) memory_.tell(id, thread.told);
      note(step.thread, "is woken, doorbells taken: ", thread.doorbells);
      thread.doorbells = 0;
      break;
    case Kind::kSpin:
      memory_.see_newer(id);
      note(step.thread, "spins");
      break;
    case Kind::kWaitEnd:
      memory_.tell(id, memory_.knowledge_of(static_cast<ThreadId>(thread.pending.value + 1)));
      note(step.thread, "hears of the end of ", thread.pending.value);
      break;
  }
  thread.history.mix(static_cast<std::uint64_t>(thread.pending.kind));
  if (!failure_) resume(step.thread);
}

void Engine::perform_access(Thread& thread, std::size_t index, const Step& step) {
  Pending& access = thread.pending;
  const auto id = static_cast<ThreadId>(index + 1);
  const bool is_load = access.kind == Kind::kLoad;
  const bool fine = is_load ? memory_.load(id, access.address, access.bytes, access.order,
                                           step.option, access.value)
                            : memory_.store(id, access.address, access.bytes, access.order,
                                            step.option, access.value);
  if (is_load && memory_.staleness() != 0) ++report_.stale_reads;
  thread.history.mix(memory_.offset_of(access.address));
  thread.history.mix(access.value);
  thread.history.mix(is_load ? memory_.last_store_name() : 0);
  note_access(index, access);
  check_race(fine, access.address, is_load ? "an atomic load" : "an atomic store");
}

bool Engine::is_new_state() {
  if (options_.forget_states) return true;
  StateHash state;
  for (std::size_t i = 0; i < thread_count_; ++i) {
    state.mix(threads_[i].history.low);
    state.mix(threads_[i].history.high);
  }
  memory_.mix_into(state);
  return seen_.insert(state).second;
}

void Engine::find_who_sleeps_for_ever() {
  for (std::size_t i = 0; i < thread_count_; ++i) {
    if (threads_[i].ended || threads_[i].died) continue;
    failure_ = text_of("thread ", i, " sleeps and nobody rings");
  }
}

void Engine::execute() {
  program_.start();
  memory_.begin(program_.arena());
  depth_ = 0;
  last_run_ = 0;
  failure_.reset();
  for (std::size_t i = 0; i < thread_count_; ++i) {
    Thread& thread = threads_[i];
    thread.history = {};
    thread.ended = thread.died = false;
    thread.doorbells = 0;
    thread.told = {};
    thread.fiber.start([this, i] { program_.run(i); });
    resume(i);
  }
  while (!failure_) {
    collect_steps();
    if (steps_.empty()) {
      find_who_sleeps_for_ever();
      if (!failure_) failure_ = program_.verdict();
      ++report_.complete;
      break;
    }
    const auto count = static_cast<std::uint32_t>(steps_.size());
    if (depth_ == decisions_.size()) decisions_.push_back({0, count});
    if (decisions_[depth_].chosen >= count) {
      failure_ = "these decisions are another program's";
      break;
    }
    decisions_[depth_].count = count;
    const Step step = steps_[decisions_[depth_].chosen];
    ++depth_;
    perform(step);
    if (depth_ == options_.steps_max && !failure_) failure_ = "the threads go in circles";
    if (depth_ > replayed_ && !failure_ && !is_new_state()) {
      ++report_.pruned;
      break;
    }
  }
  report_.steps_max = std::max(report_.steps_max, depth_);
}

/// The next execution in depth-first order: the last decision that has another way to go.
bool Engine::advance() {
  decisions_.resize(depth_);
  while (!decisions_.empty() && decisions_.back().chosen + 1 == decisions_.back().count) {
    decisions_.pop_back();
  }
  if (decisions_.empty()) return false;
  ++decisions_.back().chosen;
  replayed_ = decisions_.size() - 1;
  return true;
}

Report Engine::run() {
  if (!options_.replay.empty()) {
    follow(options_.replay);
    return std::move(report_);
  }
  do {
    execute();
    if (failure_) {
      report_.states = seen_.size();
      decisions_.resize(depth_);
      follow(replay_text());
      return std::move(report_);
    }
    if (report_.complete + report_.pruned >= options_.executions_max) {
      report_.violation = {.message = "the bound on executions was reached", .replay = {}};
      break;
    }
  } while (advance());
  report_.states = seen_.size();
  return std::move(report_);
}

std::string Engine::replay_text() const {
  std::string text;
  for (const Decision& decision : decisions_) text += std::to_string(decision.chosen) + '.';
  return text;
}

/// Runs one execution again, with a trace.
void Engine::follow(std::string_view replay) {
  decisions_.clear();
  for (const char* at = replay.data(); at < replay.data() + replay.size();) {
    std::uint32_t chosen = 0;
    const auto parsed = std::from_chars(at, replay.data() + replay.size(), chosen);
    if (parsed.ec != std::errc()) break;
    decisions_.push_back({chosen, 0});
    at = parsed.ptr + 1;
  }
  const std::string text(replay);
  tracing_ = true;
  replayed_ = ~std::size_t{0};  // No state is new or old.
  execute();
  tracing_ = false;
  report_.trace = std::move(trace_);
  if (failure_) report_.violation = {.message = *failure_, .replay = text};
}

void Engine::note_access(std::size_t index, const Pending& access) {
  if (!tracing_) return;
  const std::string_view file(access.file);
  const bool is_load = access.kind == Kind::kLoad;
  const std::size_t newer = is_load ? memory_.staleness() : 0;
  note(index, std::left, std::setw(6), is_load ? "load" : "store", std::setw(8),
       order_name(access.order), std::setw(26),
       program_.describe(memory_.offset_of(access.address)), is_load ? " -> 0x" : " <- 0x",
       std::hex, std::setw(16), access.value, std::dec, file.substr(file.rfind('/') + 1), ':',
       access.line, newer == 0 ? "" : text_of("  (stale, newer ones: ", newer, ')'));
}

/// The weakening, if it is about this place.
const Weakening* weakening_at(const std::source_location& where) {
  const std::optional<Weakening>& weakening = engine->options().weakening;
  if (!weakening || where.line() < weakening->line_first || where.line() > weakening->line_last ||
      !std::string_view(where.file_name()).ends_with(weakening->file)) {
    return nullptr;
  }
  return &*weakening;
}

void note_site(const std::source_location& where, std::memory_order order, bool is_load) {
  std::vector<Site>* sites = engine->options().sites;
  if (sites == nullptr) return;
  const auto is_same = [&](const Site& site) {
    return site.line == where.line() && site.file == where.file_name();
  };
  if (std::ranges::any_of(*sites, is_same)) return;
  sites->push_back({where.file_name(), where.line(), where.function_name(), order, is_load});
}

}  // namespace

std::string Program::describe(std::uint32_t offset) const {
  return text_of("+0x", std::hex, offset);
}

Report explore(Program& program, const Options& options) {
  MCPWIRE_CHECK(engine == nullptr);
  const auto owned = std::make_unique<Engine>(program, options);
  engine = owned.get();
  Report report = engine->run();
  engine = nullptr;
  return report;
}

void fail(std::string_view what) { engine->fail_here(what); }

/// What is no access to memory.
static void submit(Kind kind, std::uint64_t value) {
  engine->submit({kind, {}, 0, "", nullptr, 0, value});
}

void ring_doorbell(std::size_t to) { submit(Kind::kRing, to); }
void wait_for_doorbell() { submit(Kind::kWait, 0); }
void spin() { submit(Kind::kSpin, 0); }
void wait_for_end(std::size_t of) { submit(Kind::kWaitEnd, of); }

std::uint64_t atomic_load(const void* address, std::size_t bytes, std::memory_order order,
                          std::source_location where) {
  if (engine == nullptr || !engine->is_in_fiber()) {
    std::uint64_t value = 0;
    std::memcpy(&value, address, bytes);
    return value;
  }
  note_site(where, order, true);
  if (const Weakening* weakening = weakening_at(where)) {
    if (!weakening->order) return 0;
    order = *weakening->order;
  }
  return engine->submit({.kind = Kind::kLoad,
                         .order = order,
                         .line = where.line(),
                         .file = where.file_name(),
                         .address = const_cast<void*>(address),
                         .bytes = bytes,
                         .value = 0});
}

void atomic_store(void* address, std::size_t bytes, std::uint64_t value, std::memory_order order,
                  std::source_location where) {
  if (engine == nullptr || !engine->is_in_fiber()) {
    std::memcpy(address, &value, bytes);
    return;
  }
  note_site(where, order, false);
  if (const Weakening* weakening = weakening_at(where)) {
    if (!weakening->order) return;
    order = *weakening->order;
  }
  engine->submit({.kind = Kind::kStore,
                  .order = order,
                  .line = where.line(),
                  .file = where.file_name(),
                  .address = address,
                  .bytes = bytes,
                  .value = value});
}

void plain_read(const void* address, std::size_t bytes) {
  if (engine == nullptr || !engine->is_in_fiber() || bytes == 0) return;
  engine->check_race(engine->memory().plain_read(engine->self(), address, bytes), address,
                     "a plain read");
}

void plain_wrote(const void* address, std::size_t bytes) {
  if (engine == nullptr || !engine->is_in_fiber() || bytes == 0) return;
  engine->check_race(engine->memory().plain_wrote(engine->self(), address, bytes), address,
                     "a plain write");
}

std::string_view order_name(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

}  // namespace mcpwire::explorer
