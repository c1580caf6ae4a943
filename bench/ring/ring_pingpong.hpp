// SPDX-License-Identifier: MIT
//
// Ping-pong between two processes, each spinning on a processor of its own: what one hop through
// the ring costs, beside the two things to compare it with, in one launch and interleaved:
//   ring      Producer and Consumer on sealed one-writer segments, with validation, credits and
//             the doorbell test after every message
//   bare      a sequence number and the payload in one block of shared memory: no check, no
//             record, no header; the floor of this machine
//   seqpacket, stream   a Unix socket pair, both ends blocking
//   ring, parked        the ring with both ends asleep between messages, rung over the socket
//   one byte            that wake-up alone: a byte over the socket, the same ppoll()
// Every contender copies the payload in and out on both sides and reads the clock twice per round
// trip; every answer is compared with what was sent.
#pragma once

#include "protocol/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::bench {

struct PingPongOptions {
  std::vector<std::uint32_t> payload_bytes = {32, 64, 1024};
  std::uint32_t blocks = 20;  ///< Turns of each contender.
  std::uint32_t samples_per_block = 2'000;
  std::uint32_t warm_up_per_block = 200;  ///< Round trips before the samples, not counted.
  std::uint32_t socket_divisor = 10;      ///< Sockets make this many times fewer round trips.
  bool with_sockets = true;
};

struct PingPongResult {
  std::string contender;
  std::uint32_t payload_bytes = 0;
  std::uint64_t samples = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t p999_ns = 0;
  std::uint64_t max_ns = 0;
  std::uint64_t total_ns = 0;  ///< Of all samples.
};

/// Forks the peer, pins the two processes to the first two processors this one may use (and
/// restores its own afterwards), runs everything. kUnsupported with fewer than two processors,
/// kInternal if an answer was wrong or the peer ended early. To be called while the process has
/// one thread.
Result<std::vector<PingPongResult>> run_ring_pingpong(const PingPongOptions& options);

/// One line per result, with units, and one with the load average at this moment.
std::string format_pingpong(const std::vector<PingPongResult>& results);

}  // namespace mcpwire::bench
