// SPDX-License-Identifier: MIT
//
// FakeTransportFactory: servers in memory for a ConnectionPool. Each stays for the test to look at
// when the pool has destroyed its transport.
//
// Threading: the loop's thread.
#pragma once

#include "pool/transport_factory.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "tests/support/fake_mcp_transport.hpp"

#include <cstddef>
#include <functional>
#include <iterator>
#include <list>
#include <memory>

namespace mcpwire::test_support {

class FakeTransportFactory final : public pool::TransportFactory {
 public:
  /// One server that was asked for.
  struct Server {
    Server(EventLoop& loop, const pool::ServerSpec& asked) : transport(loop), spec(asked) {}
    FakeMcpTransport transport;
    pool::ServerSpec spec;
    /// The server is ending and its pool not told yet: not open, takes no request.
    bool is_ending = false;
    bool is_destroyed = false;  ///< The pool has let go of its transport.
  };

  explicit FakeTransportFactory(EventLoop& loop) noexcept : loop_(loop) {}

  std::unique_ptr<io::McpTransport> create_transport_for_server(
      const pool::ServerSpec& spec) override;

  /// Called for each server before it is opened.
  std::function<void(Server&)> prepare;

  std::size_t count() const noexcept { return servers_.size(); }
  /// In the order of their creation.
  Server& server(std::size_t index) {
    MCPWIRE_CHECK(index < servers_.size());
    return *std::next(servers_.begin(), static_cast<std::ptrdiff_t>(index));
  }
  FakeMcpTransport& transport(std::size_t index) { return server(index).transport; }

 private:
  EventLoop& loop_;
  std::list<Server> servers_;
};

}  // namespace mcpwire::test_support
