// SPDX-License-Identifier: MIT
#include "bench/peers/lane.hpp"
#include "bench/peers/contenders/contenders.hpp"
#include "bench/peers/contenders/shared_blocks.hpp"
#include "bench/peers/plan.hpp"
#include "bench/peers/spin.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>

#include <sys/wait.h>
#include <unistd.h>

namespace mcpwire::peers {
namespace {

constexpr std::uint64_t kMessages = 2 * kStreamWarmUp + 40;

LaneOptions tiny(Traffic traffic, Waiting waiting, std::uint32_t payload_bytes = 64) {
  LaneOptions options;
  options.setup.payload_bytes = payload_bytes;
  options.setup.waiting = waiting;
  options.setup.traffic = traffic;
  options.placement = Placement::kUnpinned;
  options.slot_ns = 20 * kNanosecondsPerSecond;
  options.samples_max = 25;
  options.messages_max = kMessages;
  return options;
}

bool no_child_is_left() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

/// Blocks in shared memory, with one byte of one message turned over by its sender.
class Corrupting final : public Messages<Corrupting> {
 public:
  Corrupting(const LaneSetup& setup, std::uint64_t corrupted)
      : blocks_{{{setup.payload_bytes, 1}, {setup.payload_bytes, 1}}}, corrupted_(corrupted) {}

  bool open(Role role) override {
    role_ = role;
    return true;
  }
  template <class Write>
  bool put(Write write) {
    SharedBlocks& out = blocks_[index_of(role_)];
    write(out.payload(++sent_));
    if (sent_ == corrupted_) out.payload(sent_)[20] ^= std::byte{1};
    out.publish(sent_);
    return true;
  }
  template <class Read>
  bool get(Read read) {
    SharedBlocks& in = blocks_[index_of(other(role_))];
    ++received_;
    Spin spin;
    while (!in.is_published(received_)) spin.once();
    read(ByteSpan(in.payload(received_)));
    return true;
  }

 private:
  std::array<SharedBlocks, 2> blocks_;
  std::uint64_t corrupted_;
  Role role_ = Role::kCaller;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

/// Its peer ends where its caller waits for it.
class Dying final : public Messages<Dying> {
 public:
  bool open(Role role) override {
    if (role == Role::kPeer) ::_exit(3);
    return true;
  }
  bool put(auto) { return true; }
  bool get(auto) {
    for (;;) ::pause();
  }
};

/// Threads find the other one's memory without any help.
class InOneProcess final : public Messages<InOneProcess> {
 public:
  explicit InOneProcess(const LaneSetup& setup)
      : blocks_{{{setup.payload_bytes, 1}, {setup.payload_bytes, 1}}} {}
  bool open(Role role) override {
    thread_role = role;
    return true;
  }
  template <class Write>
  bool put(Write write) {
    const std::size_t lane = index_of(thread_role);
    write(blocks_[lane].payload(++sent_[lane]));
    blocks_[lane].publish(sent_[lane]);
    return true;
  }
  template <class Read>
  bool get(Read read) {
    const std::size_t lane = index_of(other(thread_role));
    ++received_[lane];
    Spin spin;
    while (!blocks_[lane].is_published(received_[lane])) spin.once();
    read(ByteSpan(blocks_[lane].payload(received_[lane])));
    return true;
  }

 private:
  static inline thread_local Role thread_role = Role::kCaller;

  std::array<SharedBlocks, 2> blocks_;
  std::array<std::uint64_t, 2> sent_{};
  std::array<std::uint64_t, 2> received_{};
};

TEST(PeersLaneTest, EveryContenderOfOurOwnTransfersInBothTests) {
  for (const Entrant& entrant : own_entrants()) {
    for (const Question question : entrant.questions) {
      const bool stream = question == Question::kStream;
      const auto options = tiny(stream ? Traffic::kStream : Traffic::kRoundTrips, entrant.waiting);
      const auto run = run_lane(entrant.make, options);
      ASSERT_TRUE(run) << entrant.name << ": " << run.error().message();
      EXPECT_EQ(run->samples_ns.size(), stream ? 0u : 25u) << entrant.name;
      EXPECT_EQ(run->messages_per_s > 0, stream) << entrant.name;
      EXPECT_GT(run->cpu_ns_per_operation, 0) << entrant.name;
    }
  }
  EXPECT_TRUE(no_child_is_left());
}

TEST(PeersLaneTest, TheRingTransfersWhatTakesAQuarterOfIt) {
  const auto run =
      run_lane(make_mcpwire_ring, tiny(Traffic::kStream, Waiting::kBlocking, 64 * 1024));
  ASSERT_TRUE(run) << run.error().message();
  EXPECT_GT(run->messages_per_s, 0);
}

TEST(PeersLaneTest, TheCallersBusyGapIsNoPartOfItsSamples) {
  LaneOptions options = tiny(Traffic::kRoundTrips, Waiting::kSpinning);
  options.gap_ns = kNanosecondsPerMillisecond;
  const auto run = run_lane(make_bare, options);
  ASSERT_TRUE(run) << run.error().message();
  EXPECT_EQ(run->samples_ns.size(), 25u);
  EXPECT_GT(run->cpu_ns_per_operation, 0);
}

TEST(PeersLaneTest, AWrongByteEndsTheRun) {
  for (const std::uint64_t corrupted : {std::uint64_t{3}, kComparedMessages + 5}) {
    const auto make = [corrupted](const LaneSetup& setup) {
      return std::make_unique<Corrupting>(setup, corrupted);
    };
    const auto run = run_lane(make, tiny(Traffic::kRoundTrips, Waiting::kSpinning));
    ASSERT_FALSE(run) << corrupted;
    EXPECT_NE(run.error().message().find("wrong bytes"), std::string::npos);
  }
  EXPECT_TRUE(no_child_is_left());
}

TEST(PeersLaneTest, AnEndThatDiesTakesTheOtherOneWithIt) {
  const auto run = run_lane([](const LaneSetup&) { return std::make_unique<Dying>(); },
                            tiny(Traffic::kRoundTrips, Waiting::kBlocking));
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message().find("code 3"), std::string::npos) << run.error().message();
  EXPECT_TRUE(no_child_is_left());
}

TEST(PeersLaneTest, TwoThreadsOfOneProcessAreALaneToo) {
  LaneOptions options = tiny(Traffic::kRoundTrips, Waiting::kSpinning);
  options.ends = Ends::kThreads;
  const auto run = run_lane(
      [](const LaneSetup& setup) { return std::make_unique<InOneProcess>(setup); }, options);
  ASSERT_TRUE(run) << run.error().message();
  EXPECT_EQ(run->samples_ns.size(), 25u);
}

}  // namespace
}  // namespace mcpwire::peers
