// SPDX-License-Identifier: MIT
//
// LoopLag: how long a loop does not look at what is new. What becomes ready meanwhile waits behind
// the turn, at most so long. The one decision: a stretch of work is measured from the end of the
// wait before it to the next look, with clock readings that the turn takes anyway where it can; a
// turn that finds nothing to do reads no clock for it and is not counted.
//
// Threading: the loop's thread.
#pragma once

#include "telemetry/histogram.hpp"

#include <cstdint>

namespace mcpwire::io {

class LoopLag {
 public:
  bool is_open() const noexcept { return is_open_; }
  /// Something is being done since then; if it is already, nothing changes.
  void begin(std::uint64_t since_ns) noexcept {
    if (is_open_) return;
    since_ns_ = since_ns;
    is_open_ = true;
  }
  /// The loop looks again. Without begin() nothing happens.
  void end(std::uint64_t now_ns) noexcept {
    if (!is_open_) return;
    is_open_ = false;
    stretches_.record(now_ns - since_ns_);
  }

  /// Nanoseconds of each stretch.
  const telemetry::Histogram& stretches() const noexcept { return stretches_; }

 private:
  bool is_open_ = false;
  std::uint64_t since_ns_ = 0;
  telemetry::Histogram stretches_;
};

}  // namespace mcpwire::io
