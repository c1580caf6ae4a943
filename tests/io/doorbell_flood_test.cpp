// SPDX-License-Identifier: MIT
//
// A client that rings without work: its socket is left alone for a while, its ring is not, and
// nobody else notices. A client that rings when it should is never left alone.
#include "tests/io/client_channel_fixture.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace mcpwire::io {
namespace {

constexpr std::uint64_t kForever = 3600 * kNanosecondsPerSecond;
constexpr int kBells = ClientChannel::kBellsMax;
/// As many as surely wait in a socket at the same time.
constexpr int kQueued = 150;

class DoorbellFloodTest : public ClientChannelFixture {
 protected:
  void open(std::uint64_t bell_pause_ns) {
    ChannelHostOptions options;
    options.bell_pause_ns = bell_pause_ns;
    options.spin_ns = 0;
    make_host(std::move(options));
    first_ = make_answering();
  }
  void TearDown() override {
    honest_ = {};
    ClientChannelFixture::TearDown();
  }
  Connected make_answering() {
    Connected made = make_open(RawClient::kRingBytes);
    made.receiver->react = [channel = made.channel.get(),
                            receiver = made.receiver.get()](const SeenFrame& frame) {
      answer(*channel, frame.header.correlation, frame.payload);
      receiver->frames.clear();
    };
    return made;
  }
  RawClient& client() { return *first_.client; }

  /// What the daemon has not read yet, in a measure of the kernel's that grows with each frame.
  static int queued_measure(const RawClient& client) {
    int measure = 0;
    EXPECT_EQ(::ioctl(client.socket.get(), SIOCOUTQ, &measure), 0);
    return measure;
  }
  void ring() {
    ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
    if (bell_measure_ == 0) bell_measure_ = queued_measure(client());
    ++rung_;
  }
  void ring_up_to(int queued) {
    while (unread() < queued) ASSERT_NO_FATAL_FAILURE(ring());
  }
  int unread() const {
    return bell_measure_ == 0 ? 0 : queued_measure(*first_.client) / bell_measure_;
  }
  int read_bells() const { return rung_ - unread(); }
  bool is_closed() const { return first_.receiver->closed.has_value(); }

  static bool push_ping(RawClient& client, std::uint64_t correlation) {
    return client.push(FrameKind::kRequest, Method::kPing, correlation, "");
  }

  Connected honest_;
  int bell_measure_ = 0;
  int rung_ = 0;
};

MCPWIRE_INSTANTIATE_ON_KERNELS(DoorbellFloodTest);

TEST_P(DoorbellFloodTest, IsReadUpToItsBellsAndOthersAreServed) {
  open(kForever);
  honest_ = make_answering();
  for (std::uint64_t turn = 1; turn <= 500; ++turn) {
    ASSERT_NO_FATAL_FAILURE(ring_up_to(kQueued));
    ASSERT_TRUE(push_ping(*honest_.client, turn));
    loop_->run_once(0);
    const auto reply = honest_.client->pop();
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->header.correlation, turn);
  }
  EXPECT_EQ(read_bells(), kBells);
  EXPECT_FALSE(is_closed());
}

TEST_P(DoorbellFloodTest, ItsOwnRequestsAreStillAnswered) {
  open(kForever);
  ring_up_to(kQueued);
  settle();
  ASSERT_EQ(read_bells(), kBells);
  for (std::uint64_t request = 1; request <= 3; ++request) {
    ASSERT_TRUE(push_ping(client(), request));
    loop_->run_once(0);
    const auto reply = client().pop();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->header.correlation, request);
  }
}

TEST_P(DoorbellFloodTest, TheLoopSleepsMeanwhile) {
  open(kForever);
  ring_up_to(kQueued);
  settle();
  const LoopCounters before = loop_->counters();
  for (int turn = 0; turn < 10; ++turn) loop_->run_once(kNanosecondsPerMicrosecond);
  EXPECT_EQ(loop_->counters().parks - before.parks, 10U);
}

TEST_P(DoorbellFloodTest, IsReadAgainAfterAPause) {
  open(kNanosecondsPerMillisecond);
  ring_up_to(kQueued);
  run_until([this] { return unread() == 0; });
  ASSERT_TRUE(push_ping(client(), 7));
  ring();
  run_until([this] { return client().consumer->has_data(); });
  EXPECT_FALSE(is_closed());
}

TEST_P(DoorbellFloodTest, ABurstIsForgivenWithItsRecords) {
  open(kForever);
  ring_up_to(kQueued);
  settle();
  ASSERT_EQ(read_bells(), kBells);
  for (std::uint64_t request = 1; request <= 16; ++request) {
    ASSERT_TRUE(push_ping(client(), request));
  }
  settle();
  EXPECT_EQ(read_bells(), 2 * kBells) << "16 messages are worth a full account";
}

TEST_P(DoorbellFloodTest, AClientThatParksAndRingsIsNeverLeftAlone) {
  open(kForever);
  constexpr int kRounds = 5000;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    // As if it had seen the daemon parked, which one thread cannot.
    ASSERT_TRUE(push_ping(client(), round));
    ring();
    while (!client().consumer->has_data()) loop_->run_once(kNever);
    ASSERT_EQ(client().pop()->header.correlation, round);
    settle();
    ASSERT_EQ(unread(), 0) << "round " << round;
  }
  EXPECT_EQ(read_bells(), kRounds);
}

TEST_P(DoorbellFloodTest, TheEndOfItsConnectionIsNoticedAtOnce) {
  open(kForever);
  ring_up_to(kQueued);
  settle();
  ASSERT_FALSE(is_closed());
  first_.client->socket.reset();
  settle();
  EXPECT_TRUE(is_closed());
  EXPECT_EQ(host_->violations(), 0U);
}

TEST_P(DoorbellFloodTest, AFileBehindManyBellsIsWaitedFor) {
  open(kForever);
  const auto file = ring::create_sealed(as_bytes("mapped"), {});
  ASSERT_TRUE(file.has_value());
  ring_up_to(40);  // More than are read in one go.
  client().announce(1, 6, file->get());
  ASSERT_TRUE(client().push_mapped(1, 0, 6));
  settle();
  const auto reply = client().pop();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->payload, "mapped");
}

TEST_P(DoorbellFloodTest, AFileBehindTooManyBellsComesAfterThePause) {
  for (const std::uint64_t pause_ns : {kForever, kNanosecondsPerMillisecond}) {
    SCOPED_TRACE(pause_ns);
    open(pause_ns);
    bell_measure_ = 0;
    const auto file = ring::create_sealed(as_bytes("mapped"), {});
    ASSERT_TRUE(file.has_value());
    ring_up_to(kQueued);
    client().announce(1, 6, file->get());
    ASSERT_TRUE(client().push_mapped(1, 0, 6));
    if (pause_ns == kForever) {
      settle();
      EXPECT_FALSE(client().consumer->has_data());
      const std::uint64_t parks = loop_->counters().parks;
      loop_->run_once(kNanosecondsPerMicrosecond);
      EXPECT_EQ(loop_->counters().parks, parks + 1) << "the record that waits keeps nobody awake";
    } else {
      run_until([this] { return is_closed() || client().consumer->has_data(); });
    }
    EXPECT_FALSE(is_closed());
  }
}

}  // namespace
}  // namespace mcpwire::io
