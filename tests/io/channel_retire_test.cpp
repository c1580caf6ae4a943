// SPDX-License-Identifier: MIT
//
// A channel that gives the rings of an idle client back, and a client that offers new ones: well,
// badly, or not at all.
#include "tests/io/client_channel_fixture.hpp"

#include <sys/resource.h>

namespace mcpwire::io {
namespace {

using PeerState = ring::Producer::PeerState;

class ChannelRetireTest : public ClientChannelFixture {
 protected:
  static constexpr std::uint64_t kFeatures =
      protocol::feature::kSharedMemory | protocol::feature::kRingRenewal;

  void SetUp() override {
    ClientChannelFixture::SetUp();
    make_patient_for(1);
  }

  /// With 1 the first turn in which there is nothing to do is too many, and no turn before.
  void make_patient_for(std::uint64_t ring_idle_ns) {
    ChannelHostOptions options;
    options.ring_idle_ns = ring_idle_ns;
    options.on_no_shared_memory = [this](const Error&) { ++refusals_; };
    make_host(std::move(options));
  }

  /// A client that can do without its rings for a while, unless `features` says otherwise.
  Connected make_renewing(std::uint64_t features = kFeatures) {
    Connected made = make_connected();
    RawClient& client = *made.client;
    client.make_segment();
    RawClient::Hello hello = RawClient::hello(RawClient::kRingBytes);
    hello.fixed.features_optional = features;
    client.send(FrameKind::kRequest, Method::kHello, 1, hello.take(), client.own->fd());
    for (int turn = 0; !client.attached && turn < 100; ++turn) {
      loop_->run_once(0);
      static_cast<void>(client.receive());
    }
    client.attach(RawClient::kRingBytes);
    made.receiver->frames.clear();
    return made;
  }

  void open() { first_ = make_renewing(); }
  RawClient& client() { return *first_.client; }
  ClientChannel& channel() { return *first_.channel; }
  std::vector<SeenFrame>& frames() { return first_.receiver->frames; }

  /// Never quiet while something keeps the rings, so a number of turns has to do.
  void settle() {
    for (int turn = 0; turn < 20; ++turn) loop_->run_once(0);
  }
  void retire() {
    for (int turn = 0; channel().ring_bytes() != 0 && turn < 1000; ++turn) {
      loop_->run_once(kNanosecondsPerMicrosecond);
    }
    ASSERT_EQ(channel().ring_bytes(), 0U);
  }
  void offer(std::uint32_t ring_bytes, int fd) {
    const protocol::RingsOffer offer{sizeof(offer), ring_bytes};
    client().send(FrameKind::kRequest, Method::kRings, 1, as_text(object_bytes(offer)), fd);
  }
  /// What the daemon answers to an offer: the size of its own ring.
  std::optional<std::uint32_t> answer_to_offer() {
    for (int turn = 0; turn < 100; ++turn) {
      loop_->run_once(0);
      const auto frame = client().receive();
      if (!frame) continue;
      EXPECT_EQ(frame->header.request.method, static_cast<std::uint32_t>(Method::kRings));
      EXPECT_EQ(protocol::outcome_of(frame->header.request.flags), Outcome::kOk);
      return load_object<protocol::RingsOffer>(as_bytes(frame->payload)).ring_bytes;
    }
    return std::nullopt;
  }
  void renew(std::uint32_t ring_bytes = RawClient::kRingBytes) {
    client().make_segment(ring_bytes);
    offer(ring_bytes, client().own->fd());
    ASSERT_EQ(answer_to_offer(), ring_bytes);
    client().attach(ring_bytes);
  }
  void expect_ping_is_served(std::uint64_t correlation) {
    frames().clear();
    ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, correlation, ""));
    if (client().producer->peer_needs_doorbell()) {
      ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
    }
    settle();
    ASSERT_EQ(frames().size(), 1U);
    EXPECT_EQ(frames()[0].header.correlation, correlation);
  }

  int refusals_ = 0;
};

MCPWIRE_INSTANTIATE_ON_KERNELS(ChannelRetireTest);

TEST_P(ChannelRetireTest, GivesRingsBackAndTakesNewOnes) {
  open();
  EXPECT_EQ(host_->channels_with_rings(), 1U);
  retire();
  EXPECT_EQ(host_->channels_with_rings(), 0U);
  EXPECT_EQ(client().producer->look_at_peer(), PeerState::kRetired);
  renew();
  EXPECT_EQ(host_->channels_with_rings(), 1U);
  expect_ping_is_served(7);
  answer(channel(), 7, "");
  retire();
  renew(64 * 1024);
  expect_ping_is_served(8);
}

TEST_P(ChannelRetireTest, TakesTheRecordThatCameInTime) {
  open();
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, 7, ""));
  loop_->run_once(0);  // Timers come before pollers: the first to look is the one that retires.
  EXPECT_NE(channel().ring_bytes(), 0U);
  settle();
  ASSERT_EQ(frames().size(), 1U);
}

TEST_P(ChannelRetireTest, KeepsTheRingsWhileARequestIsUnderWay) {
  open();
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kCallTool, 7, "x"));
  loop_->run_once(0);
  ASSERT_EQ(frames().size(), 1U);
  // Another one, idle for as long, shows that the time has come.
  Connected other = make_renewing();
  while (other.channel->ring_bytes() != 0) loop_->run_once(kNanosecondsPerMicrosecond);
  EXPECT_NE(channel().ring_bytes(), 0U);
  answer(channel(), 7, "done");
  retire();
  // What was published before is still readable.
  const auto answered = client().pop();
  ASSERT_TRUE(answered.has_value());
  EXPECT_EQ(answered->payload, "done");
}

TEST_P(ChannelRetireTest, KeepsTheRingsOfAClientThatCannotRenewThem) {
  first_ = make_renewing(protocol::feature::kSharedMemory);
  Connected other = make_renewing();
  while (other.channel->ring_bytes() != 0) loop_->run_once(kNanosecondsPerMicrosecond);
  EXPECT_NE(channel().ring_bytes(), 0U);
  offer(RawClient::kRingBytes, client().own->fd());
  expect_violation("rings that nobody asked for");
}

TEST_P(ChannelRetireTest, ADoorbellThatComesLateIsNoViolation) {
  open();
  retire();
  ASSERT_TRUE(ring::ring_doorbell(client().socket.get()));
  settle();
  EXPECT_FALSE(first_.receiver->closed.has_value());
  renew();
  expect_ping_is_served(9);
}

TEST_P(ChannelRetireTest, AFileWhoseRecordWasLostIsForgotten) {
  open();
  retire();
  const UniqueFd file(ring::create_sealed(as_bytes("lost"), {}).value());
  client().announce(1, 4, file.get());
  settle();
  renew();
  // The same slab again: it would be announced twice if it had been kept.
  client().announce(1, 4, file.get());
  ASSERT_TRUE(client().push_mapped(1, 0, 4));
  settle();
  ASSERT_EQ(frames().size(), 1U);
  EXPECT_EQ(frames()[0].payload, "lost");
}

TEST_P(ChannelRetireTest, AClientWithoutMemoryGoesOnOverTheSocket) {
  open();
  retire();
  offer(0, -1);
  ASSERT_EQ(answer_to_offer(), 0U);
  client().send(FrameKind::kRequest, Method::kCallTool, 11, "x");
  settle();
  ASSERT_EQ(frames().size(), 1U);
  EXPECT_TRUE(channel().begin_sending(11));
  answer(channel(), 11, "y");
  const auto intent = client().receive();
  ASSERT_TRUE(intent.has_value());
  EXPECT_EQ(intent->header.request.method, static_cast<std::uint32_t>(Method::kIntent));
  const auto answered = client().receive();
  ASSERT_TRUE(answered.has_value());
  EXPECT_EQ(answered->payload, "y");
}

TEST_P(ChannelRetireTest, ADaemonWithoutDescriptorsGoesOnOverTheSocket) {
  open();
  retire();
  client().make_segment();
  offer(RawClient::kRingBytes, client().own->fd());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Not even the client's file can be received.
  const int next_free = UniqueFd(::dup(client().socket.get())).get();
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next_free);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const auto answered = answer_to_offer();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(answered, 0U);
  EXPECT_EQ(refusals_, 1);
  client().send(FrameKind::kRequest, Method::kPing, 12, "");
  settle();
  ASSERT_EQ(frames().size(), 1U);
}

TEST_P(ChannelRetireTest, AClientThatGoesAwayMeanwhileIsNoticed) {
  open();
  retire();
  client().socket.reset();
  settle();
  ASSERT_TRUE(first_.receiver->closed.has_value());
  EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kDisconnected);
  EXPECT_EQ(host_->violations(), 0U);
}

struct BadOffer {
  const char* name;
  std::uint32_t ring_bytes;
  bool with_file;
  const char* what;
};

class BadOfferTest : public ChannelRetireTest {};
MCPWIRE_INSTANTIATE_ON_KERNELS(BadOfferTest);

TEST_P(BadOfferTest, EachEndsTheConnection) {
  const BadOffer offers[] = {
      {"no file", RawClient::kRingBytes, false, "malformed offer of rings"},
      {"file without rings", 0, true, "malformed offer of rings"},
      {"odd size", 5000, true, "malformed offer of rings"},
      {"other size", 8192, true, "offer of rings with an unacceptable memory file"},
  };
  for (const BadOffer& bad : offers) {
    SCOPED_TRACE(bad.name);
    make_patient_for(1);
    reported_.clear();
    open();
    retire();
    client().make_segment();
    offer(bad.ring_bytes, bad.with_file ? client().own->fd() : -1);
    expect_violation(bad.what);
  }
}

TEST_P(BadOfferTest, RingsWhileThereAreSomeEndTheConnection) {
  make_patient_for(3600 * kNanosecondsPerSecond);
  open();
  client().make_segment();
  offer(RawClient::kRingBytes, client().own->fd());
  expect_violation("rings that nobody asked for");
}

TEST_P(BadOfferTest, ASecondOfferEndsTheConnection) {
  open();
  retire();
  renew();
  const UniqueFd again(::dup(client().own->fd()));
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kCallTool, 3, "x"));  // Keeps the rings.
  settle();
  offer(RawClient::kRingBytes, again.get());
  expect_violation("rings that nobody asked for");
}

TEST_P(BadOfferTest, DataOnTheSocketEndsTheConnection) {
  open();
  retire();
  client().send(FrameKind::kRequest, Method::kPing, 12, "");
  expect_violation("data beside the ring");
}

}  // namespace
}  // namespace mcpwire::io
