// SPDX-License-Identifier: MIT
//
// The processors that this process may use, in order: what contenders are pinned to.
#pragma once

#include <sched.h>

#include <vector>

namespace mcpwire::bench {

inline std::vector<int> usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof(set), &set);
  std::vector<int> processors;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) processors.push_back(cpu);
  }
  return processors;
}

}  // namespace mcpwire::bench
