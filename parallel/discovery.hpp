// SPDX-License-Identifier: MIT
//
// list_tools_parallel: asks many servers for their tools side by side and keeps the servers that
// answered apart from those that did not: one broken server never hides the others.
//
// Threading: the loop's thread.
#pragma once

#include "io/cancel.hpp"
#include "io/task.hpp"
#include "parallel/executor.hpp"
#include "protocol/base/error.hpp"
#include "protocol/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::parallel {

struct ServerTools {
  std::string server;
  std::string tools_json;  ///< The JSON array of all the server's tools.
  std::uint64_t duration_ns = 0;
};

struct ServerFailure {
  std::string server;
  Error error;
  std::uint64_t duration_ns = 0;
};

struct ToolListing {
  std::vector<ServerTools> successes;   ///< In the order of the names asked for.
  std::vector<ServerFailure> failures;  ///< In the order of the names asked for.
};

/// `list_tools(server, scope)` returns task<Result<std::string>>, the server's tools as one JSON
/// array. It and `scope` outlive the returned task.
template <class ListTools>
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<ToolListing> list_tools_parallel(io::CancelScope& scope, std::vector<std::string> servers,
                                          const ListTools& list_tools,  // outlives: see above
                                          ParallelExecutor& executor) {
  std::vector<Finished<std::string>> ends =
      co_await executor.run<std::string>(scope, servers, list_tools);
  ToolListing listing;
  for (std::size_t index = 0; index < ends.size(); ++index) {
    Finished<std::string>& end = ends[index];
    if (end.result.has_value()) {
      listing.successes.push_back(
          {std::move(servers[index]), *std::move(end.result), end.duration_ns});
    } else {
      listing.failures.push_back(
          {std::move(servers[index]), std::move(end.result).error(), end.duration_ns});
    }
  }
  co_return listing;
}

}  // namespace mcpwire::parallel
