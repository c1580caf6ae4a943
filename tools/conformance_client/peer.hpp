// SPDX-License-Identifier: MIT
//
// Peer: the scenario's server as an ordinary program sees it, through the client library and a
// daemon of its own. What is no plain result (an error of the server, a call that ended in any
// other way) is an Error.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "protocol/base/result.hpp"
#include "tools/conformance_client/detail/json.hpp"
#include "tools/mcp-bench/host.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::conformance {

struct Tool {
  std::string name;
  Json input_schema;
};

class Peer {
 public:
  /// Starts a daemon whose only server is `url`. `interrupt_fd` ends waits from outside.
  static Result<Peer> create(const std::string& url, int interrupt_fd);
  Peer(Peer&&) noexcept = default;
  Peer& operator=(Peer&&) = delete;
  /// Ends the daemon and waits for its end, so that the suite's server is left alone.
  ~Peer();

  client::Connection& connection() noexcept { return connection_; }

  /// From the daemon's catalogue of tools.
  Result<std::vector<Tool>> list_tools();
  /// `tools/call`; the whole result.
  Result<Json> call(std::string_view tool, const Json& arguments);
  Result<std::uint64_t> start_call(std::string_view tool, const Json& arguments);
  /// Any other request; of a list, all pages.
  Result<Json> request(std::string_view method, const Json& params);
  /// The result that a reply carries.
  static Result<Json> result_of(const client::CallReply& reply);

 private:
  Peer(bench_tool::ScratchDirectory scratch, client::Connection connection) noexcept;

  bench_tool::ScratchDirectory scratch_;
  client::Connection connection_;
};

/// The tools of a listing, which is a JSON array.
Result<std::vector<Tool>> tools_of(const Json& listing);

}  // namespace mcpwire::conformance
