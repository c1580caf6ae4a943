// SPDX-License-Identifier: MIT
//
// Untold: what servers said and somebody has not been told yet, in order and bounded. The same
// thing twice is once; of too many the oldest are forgotten.
//
// Threading: a value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::daemon {

/// One notification of a server.
struct Told {
  std::string server;
  std::string method;
  std::string params;  ///< A raw object, or empty.
  bool operator==(const Told&) const = default;
};

class Untold {
 public:
  /// What somebody who does not listen is kept for.
  static constexpr std::size_t kMax = 256;

  void add(Told told) {
    if (std::ranges::find(waiting_, told) != waiting_.end()) return;
    if (waiting_.size() >= kMax) waiting_.pop_front();
    waiting_.push_back(std::move(told));
  }

  bool empty() const noexcept { return waiting_.empty(); }
  const Told& front() const { return waiting_.front(); }
  void pop() { waiting_.pop_front(); }
  std::vector<Told> take_all() {
    std::vector<Told> all(std::make_move_iterator(waiting_.begin()),
                          std::make_move_iterator(waiting_.end()));
    waiting_.clear();
    return all;
  }

 private:
  std::deque<Told> waiting_;
};

}  // namespace mcpwire::daemon
