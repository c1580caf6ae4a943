// SPDX-License-Identifier: MIT
#include "tests/pool/fake_transport_factory.hpp"

#include <utility>

namespace mcpwire::test_support {
namespace {

/// What the pool owns; the server itself stays with the factory.
class Borrowed final : public io::McpTransport {
 public:
  explicit Borrowed(FakeTransportFactory::Server& server) noexcept : server_(server) {}
  ~Borrowed() override {
    MCPWIRE_CHECK(server_.transport.waiting() == 0);
    server_.is_destroyed = true;
  }

  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<void>> open(io::CancelScope& scope, std::uint64_t deadline_ns) override {
    return server_.transport.open(scope, deadline_ns);
  }
  io::task<io::RpcReply> request(std::string_view method, std::string_view params,
                                 io::RequestOptions options) override {
    if (server_.is_ending) return refuse();
    return server_.transport.request(method, params, options);
  }
  io::task<void> close() override { return server_.transport.close(); }
  bool is_open() const noexcept override {
    return server_.transport.is_open() && !server_.is_ending;
  }
  void observe_close(CloseObserver& observer) override {
    server_.transport.observe_close(observer);
  }
  void observe_messages(MessageObserver& observer) override {
    server_.transport.observe_messages(observer);
  }
  const io::ServerInfo& server_info() const noexcept override {
    return server_.transport.server_info();
  }
  std::int32_t process_id() const noexcept override { return server_.transport.process_id(); }
  std::string stderr_tail() const override { return server_.transport.stderr_tail(); }
  const io::TransportCounters& counters() const noexcept override {
    return server_.transport.counters();
  }

 private:
  static io::task<io::RpcReply> refuse() {
    co_return io::RpcReply{protocol::Outcome::kNotSent,
                           {},
                           Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed),
                           false};
  }

  FakeTransportFactory::Server& server_;
};

}  // namespace

std::unique_ptr<io::McpTransport> FakeTransportFactory::create_transport_for_server(
    const pool::ServerSpec& spec) {
  Server& server = servers_.emplace_back(loop_, spec);
  if (prepare) prepare(server);
  return std::make_unique<Borrowed>(server);
}

}  // namespace mcpwire::test_support
