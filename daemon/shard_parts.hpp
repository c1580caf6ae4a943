// SPDX-License-Identifier: MIT
//
// prepare_shard: the loop of a shard and what starts and ends its servers.
// Threading: on the thread that becomes the loop's.
#pragma once

#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "daemon/shard.hpp"
#include "protocol/base/result.hpp"

#include <cstddef>

namespace mcpwire::daemon {

/// All but the helper, a thread: the first shard makes its own after io::StrayChildren.
Result<Shard::Parts> prepare_shard(const DaemonOptions& options, Log& log, std::size_t number);

}  // namespace mcpwire::daemon
