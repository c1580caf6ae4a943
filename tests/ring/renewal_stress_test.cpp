// SPDX-License-Identifier: MIT
//
// A conversation whose rings are given back and made anew again and again, of another size each
// time, both ends as threads on one mapping: every record arrives once, in order and whole.
#include "ring/spsc_ring.hpp"

#include "tests/ring/ring_pair.hpp"
#include "tests/ring/stress.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>

namespace mcpwire::ring {
namespace {

using PeerState = Producer::PeerState;

constexpr std::uint64_t kRecords = 20'000 * kScale;

/// Both segments of one life of the rings; who still reads one keeps it.
struct Rings {
  explicit Rings(std::uint32_t ring_bytes)
      : client(make_segment(ring_bytes)), daemon(make_segment(ring_bytes)) {}
  OwnedSegment client;
  OwnedSegment daemon;
};
using RingsPointer = std::shared_ptr<Rings>;

/// What goes over the socket beside the rings: offers, their answers, and doorbells.
class Socket {
 public:
  /// The client's; returns when the daemon has taken them.
  void offer(RingsPointer rings) {
    std::unique_lock lock(mutex_);
    offered_ = std::move(rings);
    changed_.notify_all();
    changed_.wait(lock, [this] { return offered_ == nullptr; });
  }
  template <class Attach>
  void take_offer(Attach&& attach) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return offered_ != nullptr; });
    attach(std::move(offered_));
    offered_ = nullptr;
    changed_.notify_all();
  }
  void ring() { bell_.store(true, std::memory_order_relaxed); }
  bool take_bell() { return bell_.exchange(false, std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  RingsPointer offered_;
  // Relaxed, so that it orders nothing that the ring's own words do not.
  std::atomic<bool> bell_ = false;
};

std::string record(std::uint64_t number) { return pattern(number, number * 2654435761u % 900); }

class Client {
 public:
  Client(Socket& socket, std::uint64_t seed) : socket_(socket), random_(seed) { renew(); }

  void send(std::uint64_t number) {
    const std::string payload = record(number);
    for (;;) {
      if (producer_->peer_has_retired()) renew();
      while (!producer_->try_push(request_header(), number, as_bytes(payload), {})) {
        std::this_thread::yield();
      }
      if (settle()) return;
      renew();
    }
  }
  std::uint64_t lives() const { return lives_; }

 private:
  /// False: the record was not taken and never will be.
  bool settle() {
    for (;;) {
      switch (producer_->look_at_peer()) {
        case PeerState::kHears:
          return true;
        case PeerState::kNeedsDoorbell:
          socket_.ring();
          return true;
        case PeerState::kRetiring:
          std::this_thread::yield();
          break;
        case PeerState::kRetired:
          return producer_->peer_took_all();
      }
    }
  }
  void renew() {
    ++lives_;
    auto rings = std::make_shared<Rings>(random_ring_bytes(random_));
    producer_.reset();
    rings_ = rings;
    socket_.offer(std::move(rings));
    producer_.emplace(rings_->client.memory(), rings_->daemon.memory());
  }

  Socket& socket_;
  std::mt19937_64 random_;
  RingsPointer rings_;
  std::optional<Producer> producer_;
  std::uint64_t lives_ = 0;
};

class Daemon {
 public:
  Daemon(Socket& socket, std::uint64_t seed) : socket_(socket), random_(seed) { take_offer(); }

  void receive_all() {
    while (expected_ < kRecords) {
      take_records();
      if (expected_ == kRecords) return;
      // The first time for sure: on a busy machine the ring is seldom found empty.
      if (retired_ == 0 || random_() % 4 == 0) {
        retire_if_idle();
      } else {
        park();
      }
    }
  }
  std::uint64_t retired() const { return retired_; }

 private:
  void take_offer() {
    socket_.take_offer([this](RingsPointer rings) {
      consumer_.reset();
      rings_ = std::move(rings);
      consumer_.emplace(rings_->daemon.memory(), rings_->client.memory());
    });
  }
  void take_records() {
    for (;;) {
      const auto view = consumer_->peek();
      ASSERT_TRUE(view.has_value());
      if (!*view) return;
      const ByteSpan payload = (*view)->volatile_payload;
      ASSERT_EQ((*view)->header.correlation, expected_);
      ASSERT_TRUE(std::string(as_text(payload)) == record(expected_)) << expected_;
      consumer_->release();
      ++expected_;
    }
  }
  void retire_if_idle() {
    if (consumer_->prepare_retire()) return consumer_->unpark();
    if (random_() % 2 == 0) std::this_thread::yield();
    consumer_->retire();
    ++retired_;
    take_offer();
  }
  void park() {
    if (!consumer_->prepare_park()) {
      while (!socket_.take_bell()) std::this_thread::yield();
    }
    consumer_->unpark();
  }

  Socket& socket_;
  std::mt19937_64 random_;
  RingsPointer rings_;
  std::optional<Consumer> consumer_;
  std::uint64_t expected_ = 0;
  std::uint64_t retired_ = 0;
};

TEST(RenewalStressTest, EveryRecordArrivesOnceHoweverOftenTheRingsAreGivenBack) {
  const std::uint64_t seed = stress_seed();
  SCOPED_TRACE("MCPWIRE_SEED=" + std::to_string(seed));
  Socket socket;
  std::uint64_t lives = 0;
  std::thread client_thread([&] {
    Client client(socket, seed);
    for (std::uint64_t number = 0; number < kRecords; ++number) client.send(number);
    lives = client.lives();
  });
  Daemon daemon(socket, seed + 1);
  daemon.receive_all();
  client_thread.join();
  EXPECT_EQ(lives, daemon.retired() + 1);
  EXPECT_GT(daemon.retired(), 0U);
}

}  // namespace
}  // namespace mcpwire::ring
