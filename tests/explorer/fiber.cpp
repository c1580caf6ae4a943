// SPDX-License-Identifier: MIT
#include "tests/explorer/fiber.hpp"

#include "protocol/base/check.hpp"

#include <utility>

namespace mcpwire::explorer {

/// makecontext() passes no pointers.
static Fiber* entering = nullptr;

Fiber::Fiber() : stack_(std::make_unique_for_overwrite<std::byte[]>(kStackBytes)) {
  MCPWIRE_CHECK(::getcontext(&first_context_) == 0);
  first_context_.uc_stack.ss_sp = stack_.get();
  first_context_.uc_stack.ss_size = kStackBytes;
  first_context_.uc_link = nullptr;
  ::makecontext(&first_context_, &Fiber::enter, 0);
  entering = this;
  MCPWIRE_CHECK(::swapcontext(&creator_, &first_context_) == 0);
}

void Fiber::enter() { entering->loop(); }

void Fiber::loop() {
  if (_setjmp(top_) == 0) ::swapcontext(&first_context_, &creator_);
  body_();
  ended_ = true;
  _longjmp(outside_, 1);
}

void Fiber::start(std::function<void()> body) {
  body_ = std::move(body);
  suspended_ = false;
  ended_ = false;
}

bool Fiber::resume() {
  MCPWIRE_CHECK(!ended_);
  if (_setjmp(outside_) == 0) _longjmp(std::exchange(suspended_, true) ? inside_ : top_, 1);
  return !ended_;
}

void Fiber::suspend() {
  if (_setjmp(inside_) == 0) _longjmp(outside_, 1);
}

}  // namespace mcpwire::explorer
