// SPDX-License-Identifier: MIT
#include "bench/peers/contenders/contenders.hpp"
#include "bench/peers/contenders/shared_blocks.hpp"
#include "bench/peers/spin.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <climits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mcpwire::peers {

namespace {

std::uint32_t block_count(const LaneSetup& setup) noexcept {
  if (setup.traffic == Traffic::kRoundTrips) return 1;
  return std::max(2u, std::bit_floor(queue_bytes(setup.payload_bytes) / setup.payload_bytes));
}

class Bare final : public Messages<Bare> {
 public:
  explicit Bare(const LaneSetup& setup)
      : blocks_{{{setup.payload_bytes, block_count(setup)},
                 {setup.payload_bytes, block_count(setup)}}},
        takes_turns_(setup.traffic == Traffic::kRoundTrips) {}

  bool open(Role role) override {
    out_ = &blocks_[index_of(role)];
    in_ = &blocks_[index_of(other(role))];
    return true;
  }

  template <class Write>
  bool put(Write write) {
    ++sent_;
    Spin spin;
    while (!takes_turns_ && !out_->has_room_for(sent_)) spin.once();
    write(out_->payload(sent_));
    out_->publish(sent_);
    return true;
  }

  template <class Read>
  bool get(Read read) {
    ++received_;
    Spin spin;
    while (!in_->is_published(received_)) spin.once();
    read(ByteSpan(in_->payload(received_)));
    in_->consume(received_);
    return true;
  }

 private:
  std::array<SharedBlocks, 2> blocks_;
  bool takes_turns_;
  SharedBlocks* out_ = nullptr;
  SharedBlocks* in_ = nullptr;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

/// Sleeps at once and always wakes: nobody is asked whether the other side is awake.
class Futex final : public Messages<Futex> {
 public:
  explicit Futex(const LaneSetup& setup)
      : blocks_{{{setup.payload_bytes, 1}, {setup.payload_bytes, 1}}} {}

  bool open(Role role) override {
    out_ = &blocks_[index_of(role)];
    in_ = &blocks_[index_of(other(role))];
    return true;
  }

  template <class Write>
  bool put(Write write) {
    write(out_->payload(++sent_));
    out_->publish(sent_);
    return futex(out_->published(sent_), FUTEX_WAKE, INT_MAX) >= 0;
  }

  template <class Read>
  bool get(Read read) {
    const auto before = static_cast<std::uint32_t>(received_++);
    while (!in_->is_published(received_)) {
      const long waited = futex(in_->published(received_), FUTEX_WAIT, before);
      if (waited < 0 && errno != EAGAIN && errno != EINTR) return false;
    }
    read(ByteSpan(in_->payload(received_)));
    return true;
  }

 private:
  static long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) noexcept {
    return ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
  }

  std::array<SharedBlocks, 2> blocks_;
  SharedBlocks* out_ = nullptr;
  SharedBlocks* in_ = nullptr;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

std::unique_ptr<Contender> make_bare(const LaneSetup& setup) {
  return std::make_unique<Bare>(setup);
}
std::unique_ptr<Contender> make_futex(const LaneSetup& setup) {
  return std::make_unique<Futex>(setup);
}

}  // namespace mcpwire::peers
