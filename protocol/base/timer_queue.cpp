// SPDX-License-Identifier: MIT
#include "protocol/base/timer_queue.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/seams/clock.hpp"

#include <algorithm>

namespace mcpwire {
namespace {
constexpr std::size_t kArity = 4;
}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_) timer->loop_ = nullptr;
}

void TimerQueue::arm(Timer& timer, std::uint64_t deadline_ns) {
  disarm(timer);
  timer.deadline_ns_ = deadline_ns;
  timer.loop_ = loop_;
  heap_.push_back(&timer);
  timer.heap_index_ = heap_.size() - 1;
  sift_up(timer.heap_index_);
}

void TimerQueue::disarm(Timer& timer) noexcept {
  if (timer.loop_ == nullptr) return;
  MCPWIRE_CHECK(timer.loop_ == loop_);
  remove_at(timer.heap_index_);
}

std::uint64_t TimerQueue::next_deadline_ns() const noexcept {
  return heap_.empty() ? kNever : heap_.front()->deadline_ns_;
}

Timer* TimerQueue::pop_due(std::uint64_t now_ns) noexcept {
  if (heap_.empty() || heap_.front()->deadline_ns_ > now_ns) return nullptr;
  Timer* timer = heap_.front();
  remove_at(0);
  return timer;
}

void TimerQueue::place(std::size_t index, Timer* timer) noexcept {
  heap_[index] = timer;
  timer->heap_index_ = index;
}

void TimerQueue::sift_up(std::size_t index) noexcept {
  Timer* timer = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (heap_[parent]->deadline_ns_ <= timer->deadline_ns_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, timer);
}

void TimerQueue::sift_down(std::size_t index) noexcept {
  Timer* timer = heap_[index];
  for (;;) {
    const std::size_t first = index * kArity + 1;
    if (first >= heap_.size()) break;
    const std::size_t last = std::min(first + kArity, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < last; ++child) {
      if (heap_[child]->deadline_ns_ < heap_[least]->deadline_ns_) least = child;
    }
    if (timer->deadline_ns_ <= heap_[least]->deadline_ns_) break;
    place(index, heap_[least]);
    index = least;
  }
  place(index, timer);
}

void TimerQueue::remove_at(std::size_t index) noexcept {
  MCPWIRE_CHECK(index < heap_.size());
  heap_[index]->loop_ = nullptr;
  Timer* moved = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  place(index, moved);
  sift_up(index);
  sift_down(moved->heap_index_);
}

}  // namespace mcpwire
