// SPDX-License-Identifier: MIT
#include "daemon/shard_thread.hpp"

#include <utility>

namespace mcpwire::daemon {

Result<std::unique_ptr<ShardThread>> ShardThread::start_blocking(
    std::function<Result<std::unique_ptr<Shard>>()> make) {
  std::unique_ptr<ShardThread> self(new ShardThread);
  std::promise<Result<Shard*>> made;
  std::future<Result<Shard*>> shard = made.get_future();
  // Signals belong to the first loop: they are blocked there, and so here.
  self->thread_ = std::thread([&, thread = self.get()] { thread->work(make, made); });
  self->shard_ = TRY(shard.get());
  return self;
}

void ShardThread::work(const std::function<Result<std::unique_ptr<Shard>>()>& make,
                       std::promise<Result<Shard*>>& made) {
  std::future<bool> may_run = may_run_.get_future();
  Result<std::unique_ptr<Shard>> shard = make();
  if (!shard.has_value()) {
    made.set_value(fail(std::move(shard).error()));
    return;
  }
  made.set_value(shard->get());
  if (may_run.get()) (*shard)->loop().run();
}

void ShardThread::let_run() {
  is_decided_ = true;
  may_run_.set_value(true);
}

void ShardThread::finish_blocking() {
  if (!std::exchange(is_decided_, true)) may_run_.set_value(false);
  if (thread_.joinable()) thread_.join();
}

ShardThread::~ShardThread() { finish_blocking(); }

}  // namespace mcpwire::daemon
