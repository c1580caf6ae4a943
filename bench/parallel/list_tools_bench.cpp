// SPDX-License-Identifier: MIT
//
// What the fan-out costs: list_tools_parallel over warm servers in memory, each of which answers in
// a later turn of the real loop. Included are the executor, one lease and one request per server
// and the loop's turns; not included are pipes, processes and JSON. Goal: p50 of at most 20 us.
#include "bench/pool/samples.hpp"
#include "io/loop.hpp"
#include "parallel/discovery.hpp"
#include "pool/connection_pool.hpp"
#include "tests/parallel/background_task.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::bench {
namespace {

constexpr std::string_view kTools = R"([{"name":"echo","inputSchema":{"type":"object"}}])";

/// Answers every request from the loop's queue.
class InMemoryServer final : public io::McpTransport {
 public:
  explicit InMemoryServer(EventLoop& loop) noexcept : loop_(loop) {}

  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<void>> open(io::CancelScope&, std::uint64_t) override {
    is_open_ = true;
    co_return Result<void>{};
  }
  io::task<io::RpcReply> request(std::string_view, std::string_view,
                                 io::RequestOptions options) override {
    Reply reply(loop_);
    loop_.post(reply);
    Result<io::RpcReply> answered = co_await reply.shot.wait(*options.scope);
    if (answered.has_value()) co_return *std::move(answered);
    co_return io::RpcReply{protocol::Outcome::kCancelled, {}, answered.error(), true};
  }
  io::task<void> close() override {
    is_open_ = false;
    co_return;
  }
  bool is_open() const noexcept override { return is_open_; }
  void observe_close(CloseObserver&) override {}
  void observe_messages(MessageObserver&) override {}
  const io::ServerInfo& server_info() const noexcept override { return info_; }
  std::int32_t process_id() const noexcept override { return 0; }
  std::string stderr_tail() const override { return {}; }
  const io::TransportCounters& counters() const noexcept override { return counters_; }

 private:
  struct Reply final : Runnable {
    explicit Reply(EventLoop& loop) noexcept : shot(loop) {}
    void run() override {
      shot.resolve(io::RpcReply{protocol::Outcome::kOk, std::string(kTools), {}, true});
    }
    io::OneShot<io::RpcReply> shot;
  };

  EventLoop& loop_;
  bool is_open_ = false;
  io::ServerInfo info_;
  io::TransportCounters counters_;
};

struct InMemoryFactory final : pool::TransportFactory {
  explicit InMemoryFactory(EventLoop& event_loop) noexcept : loop(event_loop) {}
  std::unique_ptr<io::McpTransport> create_transport_for_server(const pool::ServerSpec&) override {
    return std::make_unique<InMemoryServer>(loop);
  }
  EventLoop& loop;
};

/// What the daemon does for each server.
struct ListOneServer {
  pool::ConnectionPool* pool;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<std::string>> operator()(std::string name, io::CancelScope& scope) const {
    pool::Lease lease = pool->try_get(name);
    if (!lease) {
      pool::ServerSpec spec;
      spec.identity = std::move(name);
      Result<pool::Lease> opened = co_await pool->get(std::move(spec), scope);
      if (!opened.has_value()) co_return fail(opened.error());
      lease = *std::move(opened);
    }
    io::RpcReply reply = co_await lease.transport().request("tools/list", {}, {&scope});
    if (reply.outcome != protocol::Outcome::kOk) co_return fail(reply.error);
    co_return std::move(reply.body);
  }
};

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<int> clear(pool::ConnectionPool& pool) {
  co_await pool.clear();
  co_return 0;
}

template <class T>
void run(io::Loop& loop, const test_support::BackgroundTask<T>& task) {
  while (!task.has_ended()) loop.run_once(0);
}

bool is_right(const parallel::ToolListing& listing, const std::vector<std::string>& names) {
  if (!listing.failures.empty() || listing.successes.size() != names.size()) return false;
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (listing.successes[index].server != names[index]) return false;
    if (listing.successes[index].tools_json != kTools) return false;
  }
  return true;
}

void BM_ListToolsParallel(benchmark::State& state) {
  const Result<std::unique_ptr<io::Loop>> loop = io::Loop::create();
  if (!loop.has_value()) return state.SkipWithError("no io_uring");
  InMemoryFactory factory(**loop);
  pool::ConnectionPool pool(**loop, factory, {});
  parallel::ParallelExecutor executor(**loop);
  const ListOneServer list_one{&pool};
  std::vector<std::string> names;
  for (int number = 0; number < state.range(0); ++number) {
    names.push_back("server-" + std::to_string(number));
  }
  Samples samples;
  io::CancelScope scope;
  bool is_warm = false;
  // The first pass opens the servers and is not counted.
  const auto pass = [&] {
    const std::uint64_t begun_ns = Samples::now_ns();
    test_support::BackgroundTask<parallel::ToolListing> listing(
        **loop, parallel::list_tools_parallel(scope, names, list_one, executor));
    run(**loop, listing);
    if (is_warm) samples.add(Samples::now_ns() - begun_ns);
    is_warm = true;
    if (!is_right(listing.value(), names)) state.SkipWithError("wrong tools");
  };
  pass();
  for (auto _ : state) pass();
  state.SetItemsProcessed(state.iterations() * state.range(0));
  samples.report(state);
  run(**loop, test_support::BackgroundTask<int>(**loop, clear(pool)));
}
BENCHMARK(BM_ListToolsParallel)->ArgName("servers")->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace mcpwire::bench
