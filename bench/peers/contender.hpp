// SPDX-License-Identifier: MIT
//
// Contender: one way to bring messages from one process to another. Made before the two ends are
// forked, so that it can make pipes, sockets and shared memory; opened in each of them.
// Messages<Derived>: the round trips and streams of all contenders that have a put and a get.
//
// Threading: one thread per end. Contenders that live in one process are one object with two
// threads, each of which uses only what belongs to its role.
#pragma once

#include "bench/peers/exchange.hpp"
#include "bench/peers/payload.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mcpwire::peers {

enum class Waiting { kSpinning, kBlocking, kAdaptive };
enum class Traffic { kRoundTrips, kStream };

struct LaneSetup {
  std::uint32_t payload_bytes = 0;
  Waiting waiting = Waiting::kBlocking;
  Traffic traffic = Traffic::kRoundTrips;
  std::string scratch_directory;  ///< For socket paths; empty before and removed afterwards.
};

/// Bytes of every queue that has a size: mcpwire's default, and its largest for large messages.
constexpr std::uint32_t queue_bytes(std::uint32_t payload_bytes) noexcept {
  return payload_bytes > 8 * 1024 ? 1024 * 1024 : 64 * 1024;
}

class Contender {
 public:
  virtual ~Contender() = default;

  /// In the peer: everything that must be there before the caller opens.
  virtual bool bind_peer() { return true; }
  virtual bool open(Role role) = 0;

  /// Caller: sends message `sequence` and checks the answer.
  virtual bool ask(std::uint64_t sequence) = 0;
  /// Peer: checks and answers messages 1, 2, ... until the stop was answered.
  virtual bool answer_all() = 0;
  /// Caller, at the end: some servers end only when their client hangs up.
  virtual void hang_up() {}

  /// Caller: sends messages 1, 2, ... as long as the plan says, and the stop.
  virtual bool send_stream(StreamPlan& plan) = 0;
  /// Peer: receives and checks them.
  virtual bool receive_stream(StreamMeter& meter) = 0;
};

using MakeContender = std::function<std::unique_ptr<Contender>(const LaneSetup&)>;

/// Derived has `bool put(auto write)`, which calls write(MutableByteSpan) with room for one
/// payload and sends it, and `bool get(auto read)`, which waits for a message and calls
/// read(ByteSpan) with it. False: the transport failed or the size was wrong.
template <class Derived>
class Messages : public Contender {
 public:
  bool ask(std::uint64_t sequence) final {
    return put(sequence) && get(sequence | kAnswerBit) == Verdict::kRight;
  }

  bool answer_all() final {
    for (std::uint64_t sequence = 1;; ++sequence) {
      const Verdict verdict = get(sequence);
      if (verdict == Verdict::kStop) return put(kStop | kAnswerBit);
      if (verdict != Verdict::kRight || !put(sequence | kAnswerBit)) return false;
    }
  }

  bool send_stream(StreamPlan& plan) final {
    std::uint64_t sequence = 0;
    do {
      if (!put(++sequence)) return false;
    } while (plan.more_after(sequence));
    if (!put(kStop)) return false;
    if constexpr (requires { self().flush(); }) return self().flush();
    return true;
  }

  bool receive_stream(StreamMeter& meter) final {
    for (std::uint64_t sequence = 1;; ++sequence) {
      const Verdict verdict = get(sequence);
      if (verdict == Verdict::kWrong) return false;
      if (verdict == Verdict::kStop) {
        meter.stop(sequence - 1);
        return true;
      }
      meter.message(sequence);
    }
  }

 private:
  friend Derived;
  Messages() = default;

  Derived& self() noexcept { return static_cast<Derived&>(*this); }

  bool put(std::uint64_t sequence) {
    return self().put([sequence](MutableByteSpan to) { write_payload(to, sequence); });
  }
  Verdict get(std::uint64_t expected) {
    Verdict verdict = Verdict::kWrong;
    const bool received =
        self().get([&](ByteSpan bytes) { verdict = judge_payload(bytes, expected); });
    return received ? verdict : Verdict::kWrong;
  }
};

}  // namespace mcpwire::peers
