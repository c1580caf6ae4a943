// SPDX-License-Identifier: MIT
//
// readerwriterqueue takes its blocks from the heap of one process and has no way to be given
// others, so its two ends are threads. Waiting is its own: BlockingReaderWriterQueue.
#include "bench/peers/contenders/contenders.hpp"
#include "bench/peers/contenders/fixed_message.hpp"
#include "bench/peers/spin.hpp"

#include <readerwriterqueue/readerwriterqueue.h>

#include <array>

#include <sched.h>

namespace mcpwire::peers {

namespace {

template <std::size_t kBytes>
class ReaderWriterQueue final : public Messages<ReaderWriterQueue<kBytes>> {
 public:
  explicit ReaderWriterQueue(const LaneSetup& setup)
      : sleeps_(setup.waiting == Waiting::kBlocking) {}

  bool open(Role role) override {
    thread_role = role;
    return true;
  }

  /// A full queue says so and offers no wait; the writer yields until there is room.
  template <class Write>
  bool put(Write write) {
    FixedMessage<kBytes> message;
    write(MutableByteSpan(message.bytes));
    const std::size_t lane = index_of(thread_role);
    Spin spin;
    if (sleeps_) {
      while (!sleeping_[lane].try_enqueue(message)) ::sched_yield();
    } else {
      while (!spinning_[lane].try_enqueue(message)) spin.once();
    }
    return true;
  }

  template <class Read>
  bool get(Read read) {
    const std::size_t lane = index_of(other(thread_role));
    if (sleeps_) {
      FixedMessage<kBytes> message;
      sleeping_[lane].wait_dequeue(message);
      read(ByteSpan(message.bytes));
      return true;
    }
    Spin spin;
    const FixedMessage<kBytes>* message = spinning_[lane].peek();
    for (; message == nullptr; message = spinning_[lane].peek()) spin.once();
    read(ByteSpan(message->bytes));
    return spinning_[lane].pop();
  }

 private:
  using Message = FixedMessage<kBytes>;
  static constexpr std::size_t kCapacity = kFixedCapacity<kBytes>;

  static inline thread_local Role thread_role = Role::kCaller;

  std::array<moodycamel::ReaderWriterQueue<Message>, 2> spinning_{
      moodycamel::ReaderWriterQueue<Message>(kCapacity),
      moodycamel::ReaderWriterQueue<Message>(kCapacity)};
  std::array<moodycamel::BlockingReaderWriterQueue<Message>, 2> sleeping_{
      moodycamel::BlockingReaderWriterQueue<Message>(kCapacity),
      moodycamel::BlockingReaderWriterQueue<Message>(kCapacity)};
  bool sleeps_;
};

}  // namespace

std::unique_ptr<Contender> make_readerwriterqueue(const LaneSetup& setup) {
  return make_fixed<ReaderWriterQueue>(setup);
}

}  // namespace mcpwire::peers
