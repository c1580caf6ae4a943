// SPDX-License-Identifier: MIT
//
// The other process of tests/ring/ring_process_test.cpp.
// Usage: ring_peer SOCKET_PATH MODE [COUNT] [SPIN_NS]
//   echo     sends back what comes until the other side closes
//   produce  sends COUNT payloads
//   anything else is a step at which it stays until it is killed; see stay_at().
#include "protocol/base/seams/clock.hpp"
#include "tests/ring/connection.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

#include <unistd.h>

namespace mcpwire::ring {
namespace {

protocol::RequestHeader header() {
  return protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kCallTool);
}

int echo(Connection& connection) {
  for (std::uint64_t i = 0;; ++i) {
    const auto outcome = connection.waiter.wait_blocking(kNever);
    if (!outcome) return 3;
    if (*outcome != WaitOutcome::kData) return *outcome == WaitOutcome::kPeerGone ? 0 : 4;
    if (!connection.send(connection.take(), i, kNever)) return 5;
  }
}

int produce(Connection& connection, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!connection.send(test_payload(i, test_payload_bytes(i)), i, kNever)) return 5;
  }
  return 0;
}

/// Tells the test that the step is reached, then waits for the end.
[[noreturn]] void reached(Connection& connection) {
  static_cast<void>(send_frame(connection.socket, {header(), 1, as_bytes("reached")}));
  for (;;) ::pause();
}

void push_three(Connection& connection) {
  for (std::uint64_t i = 0; i < 3; ++i) {
    static_cast<void>(
        connection.producer.try_push(header(), i, as_bytes(test_payload(i, 100)), {}));
  }
}

int stay_at(Connection& connection, std::string_view step) {
  if (step == "connected") reached(connection);
  if (step == "committed") {
    push_three(connection);
    reached(connection);
  }
  if (step == "reserved") {
    push_three(connection);
    const auto room = connection.producer.try_reserve(100);
    copy_bytes(*room, as_bytes(test_payload(9, 100)));
    reached(connection);
  }
  if (step == "batch") {
    connection.producer.begin_batch();
    push_three(connection);
    reached(connection);
  }
  if (step == "peeked") {
    static_cast<void>(connection.waiter.wait_blocking(kNever).has_value());
    static_cast<void>(connection.consumer.peek().has_value());
    reached(connection);
  }
  if (step == "parked" || step == "spinning") {
    static_cast<void>(connection.waiter.wait_blocking(kNever).has_value());
    return 6;  // Nobody ever sends here.
  }
  if (step == "full") {
    while (connection.send(test_payload(1, 1000), 1, kNever)) {
    }
    return 6;
  }
  return 2;
}

int run(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string_view mode = argv[2];
  const std::uint64_t count = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  const std::uint64_t spin_ns = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 0;
  const auto socket = connect_control_blocking(argv[1], 10 * kNanosecondsPerSecond);
  if (!socket) return 7;
  const auto connection = Connection::exchange(socket->get(), spin_ns);
  if (!connection) return 8;
  if (mode == "echo") return echo(*connection);
  if (mode == "produce") return produce(*connection, count);
  return stay_at(*connection, mode);
}

}  // namespace
}  // namespace mcpwire::ring

int main(int argc, char** argv) { return mcpwire::ring::run(argc, argv); }
