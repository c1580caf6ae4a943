// SPDX-License-Identifier: MIT
//
// A link with rings whose daemon is played by hand and stands still where a real one does only by
// chance: between its announcement that it gives the rings back and its decision.
#include "client/detail/hello.hpp"
#include "client/detail/link.hpp"
#include "protocol/base/check.hpp"
#include "protocol/payload_codec.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace mcpwire::client::detail {
namespace {

using protocol::CallState;
using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;

class LinkRingsTest : public ::testing::Test, protected Link::Sink {
 protected:
  static constexpr std::uint32_t kRingBytes = 4096;

  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    daemon_.reset(ends[1]);
    client_fd_ = ends[0];
    options_.ring_bytes = kRingBytes;
    options_.sign_of_life_ns_max = sign_of_life_ns();
    std::thread daemon([this] { shake_hands(); });
    auto link = Link::open(UniqueFd(ends[0]), options_, *build_hello(options_), kNever);
    daemon.join();
    ASSERT_TRUE(link.has_value()) << link.error().message();
    link_ = std::move(*link);
  }

  virtual std::uint64_t sign_of_life_ns() const { return kNever; }

  ring::ReceivedFrame await_frame() {
    for (;;) {
      auto frame = ring::recv_frame(daemon_.get(), buffer_);
      if (frame && *frame) return **std::move(frame);
      std::this_thread::yield();
    }
  }
  template <class Reply>
  void answer(Method method, const Reply& reply) {
    const auto sent = ring::send_frame(
        daemon_.get(), {protocol::make_header(FrameKind::kResponse, method, Outcome::kOk),
                        1,
                        object_bytes(reply),
                        {},
                        own_->fd()});
    MCPWIRE_CHECK(sent.has_value());
  }
  void use_rings(UniqueFd segment) {
    own_.emplace(ring::OwnedSegment::create({kRingBytes}).value());
    peer_.emplace(ring::PeerSegment::attach(std::move(segment), kRingBytes).value());
    consumer_.emplace(own_->memory(), peer_->memory());
  }
  void shake_hands() {
    use_rings(std::move(await_frame().attached));
    protocol::HelloReply reply{};
    reply.struct_bytes = sizeof reply;
    reply.version = protocol::kWireVersion;
    reply.features = protocol::feature::kSharedMemory | protocol::feature::kRingRenewal;
    reply.ring_bytes = kRingBytes;
    answer(Method::kHello, reply);
  }
  void take_offer() {
    auto frame = await_frame();
    MCPWIRE_CHECK(frame.header.request.method == static_cast<std::uint32_t>(Method::kRings));
    use_rings(std::move(frame.attached));
    answer(Method::kRings, protocol::RingsOffer{sizeof(protocol::RingsOffer), kRingBytes});
  }

  /// The daemon has no rings for whatever was offered.
  void refuse_offer() {
    const auto frame = await_frame();
    const protocol::RingsOffer none{sizeof(protocol::RingsOffer), 0};
    const auto sent = ring::send_frame(
        daemon_.get(), {protocol::make_header(FrameKind::kResponse, Method::kRings, Outcome::kOk),
                        1,
                        object_bytes(none),
                        {},
                        -1});
    MCPWIRE_CHECK(sent.has_value());
  }
  /// Sends a call while the daemon has retired its rings and offers no new ones.
  void send_call_without_rings() {
    ASSERT_FALSE(consumer_->prepare_retire());
    consumer_->retire();
    std::thread daemon([this] { refuse_offer(); });
    EXPECT_TRUE(send_call(7, kNever).has_value());
    daemon.join();
    EXPECT_EQ(link_->agreement().ring_bytes, 0U);
  }

  void on_message(const protocol::FrameHeader&, Body&&) override {}
  Result<void> send_call(std::uint64_t correlation, std::uint64_t deadline_ns) {
    return link_->send(*this, protocol::make_header(FrameKind::kRequest, Method::kCallTool),
                       correlation, as_bytes("call"), deadline_ns);
  }
  bool has_record() { return consumer_->peek().value().has_value(); }

  ConnectOptions options_;
  int client_fd_ = -1;
  UniqueFd daemon_;
  std::unique_ptr<Link> link_;
  std::array<std::byte, protocol::kSocketFrameBytesMax> buffer_;
  std::optional<ring::OwnedSegment> own_;
  std::optional<ring::PeerSegment> peer_;
  std::optional<ring::Consumer> consumer_;
};

TEST_F(LinkRingsTest, WaitsForADaemonThatIsDecidingAndGoesOnWithIt) {
  ASSERT_FALSE(consumer_->prepare_retire());
  std::thread daemon([this] {
    while (!consumer_->has_data()) std::this_thread::yield();
    consumer_->unpark();
  });
  EXPECT_TRUE(send_call(7, kNever).has_value());
  daemon.join();
  EXPECT_TRUE(has_record());
  EXPECT_FALSE(link_->is_lost());
}

TEST_F(LinkRingsTest, WaitsForADaemonThatIsDecidingAndSendsAgainThroughNewRings) {
  ASSERT_FALSE(consumer_->prepare_retire());
  std::thread daemon([this] {
    while (!consumer_->has_data()) std::this_thread::yield();
    consumer_->retire();
    take_offer();
  });
  EXPECT_TRUE(send_call(7, kNever).has_value());
  daemon.join();
  ASSERT_TRUE(has_record());
  EXPECT_EQ(consumer_->peek().value()->header.correlation, 7U);
}

TEST_F(LinkRingsTest, GivingUpMeanwhileRevokesTheCallAndEndsTheLink) {
  ASSERT_FALSE(consumer_->prepare_retire());
  const auto sent = send_call(7, monotonic_now_ns() + 5 * kNanosecondsPerMillisecond);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().kind, ErrorKind::kTimeout);
  EXPECT_TRUE(link_->is_lost());
  // The daemon takes the record after all, and may not send it.
  consumer_->unpark();
  EXPECT_TRUE(has_record());
  ring::DaemonCallWords words(own_->memory(), peer_->memory());
  EXPECT_FALSE(words.begin_sending(7));
}

TEST_F(LinkRingsTest, ARecordThatWasTakenBeforeTheRingsWentIsNotSentAgain) {
  // As if the client had stood still between its commit and its look while the daemon took the
  // record, answered it and became idle.
  ASSERT_FALSE(consumer_->prepare_retire());
  std::thread daemon([this] {
    while (!consumer_->has_data()) std::this_thread::yield();
    ring::detail::word(own_->memory().page->consumer_position)
        .store(ring::record_bytes(4), std::memory_order_release);
    consumer_->retire();
  });
  EXPECT_TRUE(send_call(7, kNever).has_value());
  daemon.join();
  EXPECT_FALSE(ring::recv_frame(daemon_.get(), buffer_).value().has_value()) << "an offer";
}

TEST_F(LinkRingsTest, AnOfferThatIsNotAnsweredInTimeIsWaitedForByTheNextCall) {
  ASSERT_FALSE(consumer_->prepare_retire());
  consumer_->retire();
  for (std::uint64_t correlation = 7; correlation < 200; ++correlation) {
    const auto sent = send_call(correlation, monotonic_now_ns());
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().kind, ErrorKind::kTimeout);
  }
  EXPECT_FALSE(link_->is_lost());
  take_offer();
  EXPECT_TRUE(send_call(201, kNever).has_value());
  ASSERT_TRUE(has_record());
  EXPECT_EQ(consumer_->peek().value()->header.correlation, 201U);
  EXPECT_FALSE(ring::recv_frame(daemon_.get(), buffer_).value().has_value()) << "a second offer";
}

TEST_F(LinkRingsTest, ADaemonThatEndsInsteadOfAnsweringWasSentNothing) {
  ASSERT_FALSE(consumer_->prepare_retire());
  consumer_->retire();
  std::thread daemon([this] {
    static_cast<void>(await_frame());
    daemon_.reset();
  });
  const auto sent = send_call(7, kNever);
  daemon.join();
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().kind, ErrorKind::kDisconnected);
  EXPECT_EQ(link_->revoke(*this, 7), CallState::kNone);
}

TEST_F(LinkRingsTest, ALinkThatLosesItsRingsToADaemonWithoutAnySaysWhy) {
  send_call_without_rings();
  EXPECT_EQ(link_->agreement().no_rings_because, kNoneToGive);
}

TEST_F(LinkRingsTest, ALinkThatCanMakeNoNewRingsSaysWhy) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(UniqueFd(::dup(client_fd_)).get());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  send_call_without_rings();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_NE(link_->agreement().no_rings_because.find("Too many open files"), std::string::npos)
      << link_->agreement().no_rings_because;
}

/// A daemon that is stopped between its announcement and its decision.
class LinkIndecisionTest : public LinkRingsTest {
  std::uint64_t sign_of_life_ns() const override { return 5 * kNanosecondsPerMillisecond; }
};

TEST_F(LinkIndecisionTest, ACallWithoutADeadlineIsGivenUpAndMayNotBeSentAnyMore) {
  ASSERT_FALSE(consumer_->prepare_retire());
  const auto sent = send_call(7, kNever);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().kind, ErrorKind::kTimeout);
  EXPECT_TRUE(link_->is_lost());
  EXPECT_EQ(link_->revoke(*this, 7), CallState::kNone);
  ring::DaemonCallWords words(own_->memory(), peer_->memory());
  EXPECT_FALSE(words.begin_sending(7));
}

TEST_F(LinkIndecisionTest, ACallThatTheWordSaysIsBeingSentWasTaken) {
  ASSERT_FALSE(consumer_->prepare_retire());
  ring::DaemonCallWords words(own_->memory(), peer_->memory());
  ASSERT_TRUE(words.begin_sending(7));
  EXPECT_TRUE(send_call(7, kNever).has_value());
  EXPECT_FALSE(link_->is_lost());
  EXPECT_EQ(link_->revoke(*this, 7), CallState::kSending);
}

}  // namespace
}  // namespace mcpwire::client::detail
