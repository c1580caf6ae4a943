// SPDX-License-Identifier: MIT
//
// Boost.Lockfree has no waiting: it spins, or it is put between two semaphores, as in the textbook.
#include "bench/peers/contenders/contenders.hpp"
#include "bench/peers/contenders/fixed_message.hpp"
#include "bench/peers/spin.hpp"

#include <boost/lockfree/spsc_queue.hpp>

#include <array>
#include <cerrno>

#include <semaphore.h>

namespace mcpwire::peers {

namespace {

/// A semaphore that several processes may use.
class SharedSemaphore {
 public:
  explicit SharedSemaphore(unsigned count) {
    MCPWIRE_CHECK(::sem_init(&semaphore_, 1, count) == 0);
  }
  bool wait_blocking() noexcept {
    while (::sem_wait(&semaphore_) != 0) {
      if (errno != EINTR) return false;
    }
    return true;
  }
  bool post() noexcept { return ::sem_post(&semaphore_) == 0; }

 private:
  sem_t semaphore_{};
};

template <std::size_t kBytes>
class BoostSpsc final : public Messages<BoostSpsc<kBytes>> {
 public:
  explicit BoostSpsc(const LaneSetup& setup) : sleeps_(setup.waiting == Waiting::kBlocking) {}

  bool open(Role role) override {
    out_ = &*lanes_[index_of(role)];
    in_ = &*lanes_[index_of(other(role))];
    return true;
  }

  template <class Write>
  bool put(Write write) {
    write(MutableByteSpan(message_.bytes));
    if (sleeps_) {
      return out_->room.wait_blocking() && out_->queue.push(message_) && out_->items.post();
    }
    Spin spin;
    while (!out_->queue.push(message_)) spin.once();
    return true;
  }

  template <class Read>
  bool get(Read read) {
    const auto look = [&](const FixedMessage<kBytes>& message) { read(ByteSpan(message.bytes)); };
    if (sleeps_) {
      return in_->items.wait_blocking() && in_->queue.consume_one(look) && in_->room.post();
    }
    Spin spin;
    while (!in_->queue.consume_one(look)) spin.once();
    return true;
  }

 private:
  struct Direction {
    boost::lockfree::spsc_queue<FixedMessage<kBytes>,
                                boost::lockfree::capacity<kFixedCapacity<kBytes>>>
        queue;
    SharedSemaphore items{0};
    SharedSemaphore room{kFixedCapacity<kBytes>};
  };

  std::array<Shared<Direction>, 2> lanes_;
  FixedMessage<kBytes> message_{};
  bool sleeps_;
  Direction* out_ = nullptr;
  Direction* in_ = nullptr;
};

}  // namespace

std::unique_ptr<Contender> make_boost_spsc(const LaneSetup& setup) {
  return make_fixed<BoostSpsc>(setup);
}

}  // namespace mcpwire::peers
