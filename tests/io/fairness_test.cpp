// SPDX-License-Identifier: MIT
//
// One loop, many clients, most of them flooding: however the modest client and the floods are
// connected, it is served within a few turns and waits behind no more than its share.
#include "io/client_channel.hpp"

#include "tests/io/client_channel_fixture.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace mcpwire::io {
namespace {

// What a turn gives each client, and how many clients with work it looks into: the numbers of
// io/detail/channel_receive.cpp and io/loop.cpp, written down again so that a change is seen here.
constexpr std::size_t kMessagesPerTurn = 32;
constexpr std::size_t kBytesPerTurn = 256 * 1024;
constexpr std::size_t kBusyClientsPerTurn = 16;

/// More turns than that and the test is over: nobody is served at all.
constexpr std::size_t kTurnsMax = 1000;

enum class Way : std::uint8_t { kHotRing, kColdRing, kSocket };

class FairnessTest : public ClientChannelFixture {
 protected:
  /// All clients are one process here; its share is not what is tested.
  void SetUp() override {
    ClientChannelFixture::SetUp();
    ChannelHostOptions options;
    options.quota.fill(std::uint64_t{1} << 40);
    make_host(std::move(options));
  }
  void TearDown() override {
    floods_.clear();
    modest_ = {};
    ClientChannelFixture::TearDown();
  }

  /// Connects everybody, and starts the floods last.
  void open_all(Way modest, Way flood, std::size_t floods, std::size_t payload_bytes = 0) {
    floods_.clear();
    taken_by_.assign(floods, 0);
    floods_left_ = 0;
    modest_ = make_open(modest == Way::kSocket ? 0 : RawClient::kRingBytes);
    for (std::size_t i = 0; i < floods; ++i) open_flood(flood, std::string(payload_bytes, 'x'));
    // Until no channel is polled any more.
    for (int turn = 0; turn < 12; ++turn) loop_->run_once(kNanosecondsPerMicrosecond);
    if (modest == Way::kHotRing) make_hot(modest_);
    for (Connected& each : floods_) {
      if (flood == Way::kHotRing) make_hot(each);
    }
    floods_left_ = kFloodMessagesMax;
    for (Connected& each : floods_) start_flood(*each.client, std::string(payload_bytes, 'x'));
  }

  /// A client that has always one message more: each that is taken is replaced at once, as a
  /// client on another core would do it.
  void open_flood(Way way, const std::string& payload) {
    floods_.push_back(make_open(way == Way::kSocket ? 0 : kFloodRingBytes));
    Connected& flood = floods_.back();
    flood.receiver->react = [this, client = flood.client.get(), receiver = flood.receiver.get(),
                             payload, index = floods_.size() - 1](const SeenFrame&) {
      receiver->frames.clear();
      ++foreign_;
      ++taken_by_[index];
      foreign_bytes_ += payload.size();
      if (floods_left_ != 0 && --floods_left_ != 0) send_ping(*client, payload);
    };
  }
  static void start_flood(RawClient& client, const std::string& payload) {
    for (int i = 0; i < 64; ++i) send_ping(client, payload);
  }

  void make_hot(Connected& connected) {
    send_ping(*connected.client, "");
    settle();
    connected.receiver->frames.clear();
  }

  /// As a client does it: rings if the daemon sleeps.
  static void send_ping(RawClient& client, const std::string& payload) {
    if (!client.producer) return client.send(FrameKind::kRequest, Method::kPing, 1, payload);
    static_cast<void>(client.push(FrameKind::kRequest, Method::kPing, 1, payload));
    if (client.producer->peer_needs_doorbell()) {
      ASSERT_TRUE(ring::ring_doorbell(client.socket.get()));
    }
  }

  struct Wait {
    std::size_t turns = 0;
    std::size_t foreign = 0;
    std::size_t foreign_bytes = 0;
  };

  /// One request of the modest client: what passed until it was taken.
  Wait serve_modest() {
    modest_.receiver->frames.clear();
    foreign_ = 0;
    foreign_bytes_ = 0;
    // Looked at when the request is taken, and not when its turn is over.
    Wait wait;
    modest_.receiver->react = [&](const SeenFrame&) {
      wait.foreign = foreign_;
      wait.foreign_bytes = foreign_bytes_;
    };
    send_ping(*modest_.client, "");
    while (modest_.receiver->frames.empty() && wait.turns < kTurnsMax) {
      ++wait.turns;
      loop_->run_once(0);
    }
    modest_.receiver->react = {};
    return wait;
  }

  /// A flood that no budget holds ends by itself, so that the test is red instead of endless.
  static constexpr std::size_t kFloodMessagesMax = 50'000;
  static constexpr std::uint32_t kFloodRingBytes = 64 * 1024;

  std::vector<Connected> floods_;
  Connected modest_;
  std::vector<std::size_t> taken_by_;
  std::size_t foreign_ = 0;
  std::size_t foreign_bytes_ = 0;
  std::size_t floods_left_ = 0;
};

MCPWIRE_INSTANTIATE_ON_KERNELS(FairnessTest);

std::string way_name(Way way) {
  if (way == Way::kSocket) return "socket";
  return way == Way::kHotRing ? "hot ring" : "cold ring";
}

constexpr Way kWays[] = {Way::kHotRing, Way::kColdRing, Way::kSocket};

TEST_P(FairnessTest, AModestClientWaitsBehindItsShareOfEachFloodOnly) {
  for (const Way modest : kWays) {
    for (const Way flood : kWays) {
      for (const std::size_t floods : {std::size_t{1}, std::size_t{5}}) {
        SCOPED_TRACE(way_name(modest) + " behind " + std::to_string(floods) + " of " +
                     way_name(flood));
        open_all(modest, flood, floods);
        for (int request = 0; request < 20; ++request) {
          const Wait wait = serve_modest();
          // A message that comes with the loop's events (a bell, or the socket itself) waits for
          // the turn that finds it and, in the ring, for the next one.
          const std::size_t turns_max = modest == Way::kHotRing ? 1 : 2;
          ASSERT_LE(wait.turns, turns_max) << "request " << request;
          ASSERT_LE(wait.foreign, turns_max * floods * kMessagesPerTurn) << "request " << request;
        }
      }
    }
  }
}

TEST_P(FairnessTest, ACrowdOfFloodsIsServedInTurn) {
  constexpr std::size_t kFloods = 40;
  constexpr std::size_t kTurnsForAll =
      (kFloods + 1 + kBusyClientsPerTurn - 1) / kBusyClientsPerTurn;
  for (const Way modest : {Way::kHotRing, Way::kColdRing}) {
    SCOPED_TRACE(way_name(modest));
    open_all(modest, Way::kHotRing, kFloods);
    for (int request = 0; request < 10; ++request) {
      const Wait wait = serve_modest();
      ASSERT_LE(wait.turns, kTurnsForAll + 1) << "request " << request;
      ASSERT_LE(wait.foreign, kFloods * kMessagesPerTurn) << "request " << request;
    }
    for (std::size_t turn = 0; turn < 4 * kTurnsForAll; ++turn) loop_->run_once(0);
    const auto [least, most] = std::ranges::minmax(taken_by_);
    EXPECT_GT(least, 0U);
    EXPECT_LE(most - least, 2 * kMessagesPerTurn) << "nobody is passed over";
  }
}

TEST_P(FairnessTest, LargeMessagesCountByTheirBytes) {
  constexpr std::size_t kPayload = 16'000;
  for (const Way flood : {Way::kHotRing, Way::kSocket}) {
    SCOPED_TRACE(way_name(flood));
    open_all(Way::kHotRing, flood, 1, kPayload);
    foreign_bytes_ = 0;
    loop_->run_once(0);
    EXPECT_GT(foreign_bytes_, 0U);
    // One message may lie on the limit; the socket is read by an event and by its continuation.
    EXPECT_LE(foreign_bytes_, 2 * (kBytesPerTurn + kPayload));
  }
}

TEST_P(FairnessTest, MappedMessagesCountByTheirBytes) {
  constexpr std::size_t kPayload = 200'000;
  constexpr std::uint32_t kMessages = 12;
  open_all(Way::kHotRing, Way::kHotRing, 0);
  RawClient& client = *modest_.client;
  const std::string payload(kPayload, ' ');
  for (std::uint32_t slab = 1; slab <= kMessages; ++slab) {
    const auto file = ring::create_sealed(as_bytes(payload), {});
    ASSERT_TRUE(file.has_value());
    client.announce(slab, kPayload, file->get());
    ASSERT_TRUE(client.push_mapped(slab, 0, kPayload, slab));
  }
  std::size_t most_per_turn = 0;
  for (std::size_t turn = 0; turn < kTurnsMax && modest_.receiver->frames.size() < kMessages;
       ++turn) {
    const std::size_t before = modest_.receiver->frames.size();
    loop_->run_once(0);
    most_per_turn = std::max(most_per_turn, modest_.receiver->frames.size() - before);
  }
  EXPECT_EQ(modest_.receiver->frames.size(), kMessages);
  EXPECT_LE(most_per_turn, kBytesPerTurn / kPayload + 1);
}

}  // namespace
}  // namespace mcpwire::io
