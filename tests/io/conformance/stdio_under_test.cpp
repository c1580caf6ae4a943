// SPDX-License-Identifier: MIT
//
// StdioTransport with a process of the test's making, on a virtual clock.
#include "io/stdio_transport.hpp"
#include "tests/io/conformance/transport_under_test.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_process_spawner.hpp"

#include <csignal>
#include <utility>

namespace mcpwire::io {
namespace {

class StdioUnderTest final : public TransportUnderTest {
 public:
  explicit StdioUnderTest(const TransportLimits& limits)
      : transport_(loop_, spawner_, codec_, options(limits)) {}

  EventLoop& loop() override { return loop_; }
  McpTransport& transport() override { return transport_; }
  void settle() override { loop_.run_until_idle(); }
  void pass(std::uint64_t ns) override { loop_.advance_ns(ns); }

  std::vector<Sent> take_sent() override {
    if (spawner_.spawned() == 0) return {};
    arrived_ += child().input.take_written();
    return take_lines(arrived_);
  }
  void say(const Sent&, std::string_view message) override { say(message); }
  void say(std::string_view message) override {
    const std::string line = std::string(message) + "\n";
    for (std::size_t at = 0; at < line.size(); at += piece_bytes_) {
      child().output.feed(std::string_view(line).substr(at, piece_bytes_));
    }
  }
  void say_in_pieces(std::size_t bytes) override { piece_bytes_ = bytes; }
  void stop_reading() override { child().input.block(); }
  void read_on() override { child().input.unblock(); }
  void be_absent() override {
    spawner_.fail_next(Error::of(ErrorKind::kConfiguration, ErrorCode::kCommandNotFound));
  }
  void cut() override {
    child().input.fail_after(0, Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
    child().die({true, SIGKILL});
    child().input.unblock();
  }
  bool is_rid_of_us() override {
    return spawner_.spawned() == 0 || (child().has_exited() && child().input.is_closed());
  }

 private:
  static StdioTransportOptions options(const TransportLimits& limits) {
    StdioTransportOptions options;
    options.server.program = "/bin/server";
    options.limits = limits;
    options.negotiation.pinned_era = protocol::mcp::Era::kLegacy;
    return options;
  }
  test_support::FakeChild& child() { return spawner_.child(spawner_.spawned() - 1); }

  test_support::FakeEventLoop loop_;
  test_support::FakeProcessSpawner spawner_{loop_};
  RpcCodec codec_;
  StdioTransport transport_;
  std::string arrived_;
  std::size_t piece_bytes_ = std::string::npos;
};

}  // namespace

std::unique_ptr<TransportUnderTest> stdio_under_test(const TransportLimits& limits) {
  return std::make_unique<StdioUnderTest>(limits);
}

}  // namespace mcpwire::io
