// SPDX-License-Identifier: MIT
#include "io/semaphore.hpp"

#include "protocol/base/check.hpp"

namespace mcpwire::io {

Semaphore::Semaphore(EventLoop& loop, std::size_t permits) : loop_(loop), available_(permits) {
  MCPWIRE_CHECK(permits >= 1);
}

task<Result<void>> Semaphore::acquire(CancelScope& scope) {
  if (scope.is_cancelled()) co_return fail(error_of(scope.cause()));
  if (available_ > 0) {
    --available_;
    co_return Result<void>{};
  }
  Waiter waiter(loop_);
  waiters_.push_back(waiter);
  co_return co_await waiter.shot.wait(scope);
}

void Semaphore::release() {
  // A waiter that was cancelled in this very turn has its error already: the permit goes on.
  while (Waiter* waiter = waiters_.pop_front()) {
    if (waiter->shot.is_resolved()) continue;
    waiter->shot.resolve({});
    return;
  }
  ++available_;
}

}  // namespace mcpwire::io
