// SPDX-License-Identifier: MIT
//
// Records and batches from side 0 to side 1, by a consumer that only polls.
#include "tests/explorer/ring_world.hpp"
#include "tests/explorer/scenarios.hpp"

#include <utility>

namespace mcpwire::explorer {

namespace {

constexpr std::uint64_t kRing = ring::kRingBytesMin;
/// Where commit words lose their upper bits, and where positions begin again at 0.
constexpr std::uint64_t kNearTagWrap = (std::uint64_t{1} << 32) * ring::kGranuleBytes;
constexpr std::uint64_t kNearEnd = 0;

struct DeliveryOptions {
  std::uint64_t start = kRing;
  std::vector<std::uint32_t> payloads;
  std::uint32_t reserved = 0;  ///< More than needed, scribbled over and given back.
  bool aborts = false;         ///< Gives up a reservation before each message.
  std::size_t unread = 0;      ///< Largest records that fill the ring beforehand.
  std::size_t polls = 0;
};

/// Whatever is visible is whole, in order, and ordered before its reader; room is written again
/// only after it was read.
class Delivery : public RingWorld {
 public:
  explicit Delivery(DeliveryOptions options) : options_(std::move(options)) {}

  std::size_t thread_count() const override { return 2; }
  void start() override {
    begin_at(options_.start);
    for (std::size_t i = 0; i < options_.unread; ++i) push(0, i, kLargest);
    sent_ = options_.unread;
  }
  void run(std::size_t index) override {
    if (index == 0) {
      send();
    } else {
      receive();
    }
  }

 private:
  void send() {
    std::uint64_t& number = sent_;
    // As often again as there are messages, in case room comes late.
    for (std::size_t attempt = 0; attempt < 2 * options_.payloads.size(); ++attempt) {
      const std::uint32_t bytes = options_.payloads[number - options_.unread];
      if (options_.aborts) reserve_and_abort(0);
      if (push(0, number, bytes, options_.reserved)) ++number;
      if (number - options_.unread == options_.payloads.size()) return;
    }
  }

  void receive() {
    std::uint64_t number = 0;
    for (std::size_t poll = 0; poll < options_.polls; ++poll) {
      if (!consumer(1).has_data()) continue;
      if (!pop(1, number)) fail("has_data() said yes, peek() says no");
      ++number;
    }
    wait_for_end(0);
    for (; number < sent_; ++number) {
      if (!consumer(1).has_data() || !pop(1, number)) fail("what was sent does not arrive");
    }
  }

  DeliveryOptions options_;
  std::uint64_t sent_ = 0;  ///< The sender's; known to others when it has ended.
};

/// A batch is visible whole or not at all, and what an aborted one wrote never is.
class Batch : public RingWorld {
 public:
  Batch(std::uint64_t start, std::vector<std::uint32_t> payloads, std::size_t aborted)
      : start_(start), payloads_(std::move(payloads)), aborted_(aborted) {}

  std::size_t thread_count() const override { return 2; }
  void start() override { begin_at(start_); }
  void run(std::size_t index) override {
    if (index == 0) {
      send();
    } else {
      receive();
    }
  }

 private:
  void send() {
    producer(0).begin_batch();
    if (aborted_ != 0) {
      for (std::size_t i = 0; i < aborted_; ++i) push(0, 40 + i, kLargest);
      producer(0).abort_batch();
      producer(0).begin_batch();
    }
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      if (!push(0, i, payloads_[i])) fail("no room for the batch");
    }
    producer(0).commit_batch();
  }

  void receive() {
    std::size_t poll = 0;
    while (!pop(1, 0)) {
      if (++poll == 2) return;
    }
    for (std::size_t i = 1; i < payloads_.size(); ++i) {
      if (!pop(1, i)) fail("only a part of the batch is visible");
    }
    if (pop(1, payloads_.size())) fail("more is visible than the batch");
  }

  std::uint64_t start_;
  std::vector<std::uint32_t> payloads_;
  std::size_t aborted_;
};

template <class P, class... Arguments>
std::function<std::unique_ptr<Program>()> maker(Arguments... arguments) {
  return [=] { return std::make_unique<P>(arguments...); };
}

}  // namespace

void add_delivery(std::vector<Scenario>& all, Depth depth) {
  const auto delivery = [&](std::string name, DeliveryOptions options, std::uint64_t states_min) {
    all.push_back({std::move(name), maker<Delivery>(std::move(options)), states_min});
  };
  const auto batch = [&](std::string name, std::uint64_t start, std::vector<std::uint32_t> payloads,
                         std::size_t aborted, std::uint64_t states_min) {
    all.push_back({std::move(name), maker<Batch>(start, std::move(payloads), aborted), states_min});
  };
  delivery("OneRecord", {.payloads = {32}, .polls = 2}, 19);
  delivery("ThreeRecordsOfThreeSizes", {.payloads = {0, 100, kLargest}, .polls = 4}, 240);
  delivery("AReservationTooLarge", {.payloads = {32, 32}, .reserved = 300, .polls = 3}, 77);
  delivery("AnAbortBeforeEachRecord", {.payloads = {32, 32}, .aborts = true, .polls = 3}, 77);
  delivery("APadAtTheWrap", {.start = 2 * kRing - 64, .payloads = {100, 32}, .polls = 3}, 92);
  delivery("AWrapWithoutAPad", {.start = 2 * kRing - 128, .payloads = {96, 32}, .polls = 3}, 77);
  delivery("TagsThatWrap", {.start = kNearTagWrap - 64, .payloads = {32, 32, 32}, .polls = 4}, 190);
  delivery("PositionsThatWrap", {.start = kNearEnd - 64, .payloads = {32, 32}, .polls = 3}, 67);
  delivery("PositionsThatWrapBehindAPad",
           {.start = kNearEnd - 64, .payloads = {kLargest, 32}, .polls = 3}, 100);
  delivery("RoomIsWrittenAgain", {.payloads = {kLargest}, .unread = 3, .polls = 3}, 100);
  delivery("RoomIsWrittenAgainBehindAPad",
           {.start = 2 * kRing - 3 * 1024 - 64, .payloads = {kLargest}, .unread = 3, .polls = 4},
           180);
  batch("ABatchOfTwo", kRing, {32, 200}, 0, 19);
  batch("ABatchAcrossTheWrap", 2 * kRing - 128, {32, 200}, 0, 23);
  batch("ABatchBehindAPad", 2 * kRing - 64, {100, 32}, 0, 23);
  batch("ABatchAfterAnAbort", kRing, {32, 32}, 2, 21);
  batch("ABatchNearTheEnd", kNearEnd - 64, {32, 32}, 0, 17);
  if (depth == Depth::kQuick) return;
  delivery("SixRecords", {.payloads = {32, 32, 100, 0, 32, kLargest}, .polls = 8}, 5'800);
  delivery("RoomIsWrittenAgainThreeTimes",
           {.payloads = {kLargest, 32, kLargest}, .unread = 3, .polls = 6}, 5'000);
  batch("ABatchOfFive", 2 * kRing - 128, {32, 32, 100, 0, 300}, 1, 50);
}

}  // namespace mcpwire::explorer
