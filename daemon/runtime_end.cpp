// SPDX-License-Identifier: MIT
//
// How the daemon ends: each step on all shards before the next one begins.
#include "daemon/runtime.hpp"

#include <string>

namespace mcpwire::daemon {

io::task<Result<void>> McpRuntime::serve() {
  io::CancelScope never;
  [[maybe_unused]] const Result<void> asked = co_await shutdown_.wait(never);
  loop_.disarm(idle_timer_);
  background_.cancel_scope().cancel(io::CancelCause::kShutdown);
  [[maybe_unused]] const Result<void> gone = co_await background_.join();
  // First the socket: whoever comes now finds nobody and starts a successor, which waits for us.
  listener_->close();
  co_await on_all(&Shard::end_clients);
  co_await on_all(&Shard::end_servers);
  co_await on_all(&Shard::end_visits);
  for (const std::unique_ptr<ShardThread>& other : others_) {
    io::Loop* loop = &other->shard().loop();
    first_->port()->send(other->shard().number(), [loop] { loop->stop(); });
    other->finish_blocking();
  }
  if (parts_.strays != nullptr) parts_.strays->end_all_blocking();
  parts_.log->info("mcpwired ends");
  first_->loop().stop();
  co_return Result<void>{};
}

io::task<void> McpRuntime::on_all(Shard::Step step) {
  io::Scope all(loop_);
  for (std::size_t number = 0; number < known_.size(); ++number) all.spawn(on_one(number, step));
  [[maybe_unused]] const Result<void> ended = co_await all.join();
}

io::task<Result<void>> McpRuntime::on_one(std::size_t number, Shard::Step step) {
  io::OneShot<void> done(loop_);
  Shard* shard = known_[number].shard;
  if (number == 0) {
    shard->run_step(step, [&done] { done.resolve({}); });
  } else {
    first_->port()->send(number, [shard, step, &done] {
      shard->run_step(step,
                      [shard, &done] { shard->port()->send(0, [&done] { done.resolve({}); }); });
    });
  }
  io::CancelScope never;
  co_return co_await done.wait(never);
}

}  // namespace mcpwire::daemon
