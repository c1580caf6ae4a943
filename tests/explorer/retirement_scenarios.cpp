// SPDX-License-Identifier: MIT
//
// A daemon (thread 1) that gives its rings back while a client (thread 0) sends: docs/adr/0009. At
// the end the client believes of exactly those records that they were taken which were.
#include "tests/explorer/ring_world.hpp"
#include "tests/explorer/scenarios.hpp"

namespace mcpwire::explorer {

namespace {

/// What the daemon does first when it finds nothing.
enum class AtFirst : std::uint8_t { kRetires, kSleeps };

class Retirement : public RingWorld {
 public:
  Retirement(AtFirst at_first, std::size_t sends) : at_first_(at_first), sends_(sends) {}

  std::size_t thread_count() const override { return 2; }
  void start() override {
    begin_at(ring::kRingBytesMin);
    taken_ = believed_ = 0;
    has_retired_ = false;
  }
  void run(std::size_t index) override {
    if (index == 0) {
      send();
    } else {
      receive();
    }
  }
  std::optional<std::string> verdict() override {
    if (believed_ < taken_) return "a record that was taken is believed lost";
    if (believed_ > taken_) return "a record that was lost is believed taken";
    return std::nullopt;
  }

 private:
  void send() {
    while (believed_ < sends_ && !producer(0).peer_has_retired()) {
      if (!push(0, believed_, 32)) fail("no room");
      if (!is_taken()) break;
      ++believed_;
    }
    wait_for_end(1);
    if (producer(0).peer_has_retired() != has_retired_) fail("who retired is not seen");
  }

  bool is_taken() {
    using enum ring::Producer::PeerState;
    auto state = producer(0).look_at_peer();
    while (state == kRetiring) {
      spin();
      state = producer(0).look_at_peer();
    }
    switch (state) {
      case kHears:
        return true;
      case kNeedsDoorbell:
        ring_doorbell(1);
        return true;
      case kRetired:
        return producer(0).peer_took_all();
      case kRetiring:
        break;
    }
    return false;
  }

  void receive() {
    bool sleeps = at_first_ == AtFirst::kSleeps;
    while (taken_ < sends_) {
      if (pop(1, taken_)) {
        ++taken_;
        continue;
      }
      if (sleeps) {
        if (!consumer(1).prepare_park()) wait_for_doorbell();
      } else if (!consumer(1).prepare_retire()) {
        consumer(1).retire();
        has_retired_ = true;
        return;
      }
      consumer(1).unpark();
      sleeps = !sleeps;
    }
  }

  AtFirst at_first_;
  std::size_t sends_;
  std::size_t taken_ = 0;     ///< The daemon's.
  std::size_t believed_ = 0;  ///< The client's.
  bool has_retired_ = false;
};

}  // namespace

void add_retirement(std::vector<Scenario>& all, Depth depth) {
  const auto retirement = [&](std::string name, AtFirst at_first, std::size_t sends,
                              std::uint64_t states_min) {
    all.push_back({std::move(name), [=] { return std::make_unique<Retirement>(at_first, sends); },
                   states_min});
  };
  retirement("ARecordAndARetirement", AtFirst::kRetires, 1, 85);
  retirement("TwoRecordsAndARetirement", AtFirst::kRetires, 2, 1'400);
  retirement("ASleeperThatRetires", AtFirst::kSleeps, 2, 2'100);
  if (depth == Depth::kQuick) return;
  retirement("ThreeRecordsAndARetirement", AtFirst::kRetires, 3, 30'000);
  retirement("ASleeperThatRetiresLater", AtFirst::kSleeps, 3, 56'000);
}

}  // namespace mcpwire::explorer
