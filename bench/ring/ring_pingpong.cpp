// SPDX-License-Identifier: MIT
#include "bench/ring/ring_pingpong.hpp"

#include "bench/processors.hpp"
#include "bench/ring/pingpong_contenders.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <numeric>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mcpwire::bench {

namespace {

/// Pins the calling process to one processor; the destructor gives the old set back.
class Pinned {
 public:
  explicit Pinned(int processor) noexcept {
    ::sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(processor, &only);
    ::sched_setaffinity(0, sizeof(only), &only);
  }
  ~Pinned() { ::sched_setaffinity(0, sizeof(before_), &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

struct Lane {
  std::unique_ptr<Contender> contender;
  std::uint32_t payload_bytes;
  std::vector<std::uint64_t> samples;
};

struct Rounds {
  std::uint32_t warm_up;
  std::uint32_t samples;
};

/// Both processes compute the same. Sockets sleep and wake for each hop: 50 us, not 300 ns.
Rounds rounds_of(const Lane& lane, const PingPongOptions& options) {
  const std::uint32_t divisor =
      lane.contender->sleeps() ? std::max(1u, options.socket_divisor) : 1u;
  return {options.warm_up_per_block / divisor, std::max(1u, options.samples_per_block / divisor)};
}

std::vector<Lane> make_lanes(const PingPongOptions& options, Role role, LaneFiles& files) {
  std::vector<Lane> lanes;
  for (const std::uint32_t bytes : options.payload_bytes) {
    std::vector<std::unique_ptr<Contender>> contenders;
    contenders.push_back(make_ring_contender(role, files, RingWait::kSpin));
    contenders.push_back(make_bare_contender(role, files, bytes));
    if (options.with_sockets) {
      contenders.push_back(make_ring_contender(role, files, RingWait::kPark));
      contenders.push_back(make_byte_contender(role, files));
      contenders.push_back(make_socket_contender(role, files, SocketKind::kSeqpacket));
      contenders.push_back(make_socket_contender(role, files, SocketKind::kStream));
    }
    for (auto& contender : contenders) {
      if (contender == nullptr) return {};
      lanes.push_back({std::move(contender), bytes, {}});
    }
  }
  return lanes;
}

/// The peer: answers as many round trips as the other side will make, in the same order.
[[noreturn]] void run_peer(const PingPongOptions& options, LaneFiles& files, int processor) {
  const Pinned pinned(processor);
  std::vector<Lane> lanes = make_lanes(options, Role::kPeer, files);
  if (lanes.empty()) ::_exit(1);
  std::vector<std::byte> payload(std::ranges::max(options.payload_bytes));
  for (std::uint32_t block = 0; block < options.blocks; ++block) {
    for (Lane& lane : lanes) {
      const MutableByteSpan bytes(payload.data(), lane.payload_bytes);
      const Rounds rounds = rounds_of(lane, options);
      for (std::uint32_t i = 0; i < rounds.warm_up + rounds.samples; ++i) {
        if (!lane.contender->receive(bytes) || !lane.contender->send(bytes)) ::_exit(2);
      }
    }
  }
  ::_exit(0);
}

bool run_block(Lane& lane, const PingPongOptions& options, std::uint32_t block) {
  const SystemClock clock;
  std::vector<std::byte> sent(lane.payload_bytes);
  std::vector<std::byte> received(lane.payload_bytes);
  const Rounds rounds = rounds_of(lane, options);
  for (std::uint32_t i = 0; i < rounds.warm_up + rounds.samples; ++i) {
    std::ranges::fill(sent, static_cast<std::byte>(block * 31 + i));
    const std::uint64_t start_ns = clock.monotonic_ns();
    if (!lane.contender->send(sent) || !lane.contender->receive(received)) return false;
    const std::uint64_t end_ns = clock.monotonic_ns();
    if (received != sent && !lane.contender->is_signal_only()) return false;
    if (i >= rounds.warm_up) lane.samples.push_back(end_ns - start_ns);
  }
  return true;
}

PingPongResult summarize(Lane& lane) {
  std::ranges::sort(lane.samples);
  const auto quantile = [&](std::uint64_t per_mille) {
    return lane.samples[(lane.samples.size() - 1) * per_mille / 1000];
  };
  const auto total = std::accumulate(lane.samples.begin(), lane.samples.end(), std::uint64_t{0});
  return {lane.contender->name(), lane.payload_bytes, lane.samples.size(), quantile(500),
          quantile(990),          quantile(999),      lane.samples.back(), total};
}

bool run_all(std::vector<Lane>& lanes, const PingPongOptions& options) {
  for (Lane& lane : lanes) lane.samples.reserve(options.blocks * options.samples_per_block);
  for (std::uint32_t block = 0; block < options.blocks; ++block) {
    for (Lane& lane : lanes) {
      if (!run_block(lane, options, block)) return false;
    }
  }
  return true;
}

}  // namespace

Result<std::vector<PingPongResult>> run_ring_pingpong(const PingPongOptions& options) {
  const std::vector<int> processors = usable_processors();
  if (processors.size() < 2) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kUnspecified,
                "two spinning processes need two processors");
  }
  MCPWIRE_CHECK(!options.payload_bytes.empty() && options.samples_per_block > 0);
  LaneFiles files;
  const pid_t peer = ::fork();
  if (peer < 0) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "fork"));
  if (peer == 0) {
    files.use(Role::kPeer);
    run_peer(options, files, processors[1]);
  }
  files.use(Role::kCaller);
  std::vector<PingPongResult> results;
  bool done = false;
  {
    const Pinned pinned(processors[0]);
    std::vector<Lane> lanes = make_lanes(options, Role::kCaller, files);
    done = !lanes.empty() && run_all(lanes, options);
    if (done) std::ranges::transform(lanes, std::back_inserter(results), summarize);
  }
  int status = 0;
  ::waitpid(peer, &status, 0);
  if (!done || status != 0) {
    return fail(ErrorKind::kInternal, ErrorCode::kUnspecified, "the ping-pong peer failed");
  }
  return results;
}

std::string format_pingpong(const std::vector<PingPongResult>& results) {
  std::array<char, 160> line{};
  double load = 0;
  static_cast<void>(::getloadavg(&load, 1));
  std::snprintf(line.data(), line.size(), "round trips between two pinned processes; load %.2f\n",
                load);
  std::string text = line.data();
  for (const PingPongResult& result : results) {
    std::snprintf(line.data(), line.size(),
                  "%-10s %5u B  p50 %6lu  p99 %6lu  p99.9 %7lu  max %8lu ns  (%lu samples)\n",
                  result.contender.c_str(), result.payload_bytes, result.p50_ns, result.p99_ns,
                  result.p999_ns, result.max_ns, result.samples);
    text += line.data();
  }
  return text;
}

}  // namespace mcpwire::bench
