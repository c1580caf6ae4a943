// SPDX-License-Identifier: MIT
//
// A hostile client against a channel on a real loop: every field of a record's header and of the
// control page, 24 values each, at every point of a connection's life (tests/ring/corrupt_fields).
// The expectation is exact: what RingOracle reads out of the same bytes is delivered, nothing else;
// a broken rule ends the connection, is counted once and reported once with its reason. Beside it
// an honest client makes a round trip after every case.
#include "tests/io/client_channel_fixture.hpp"
#include "tests/ring/corrupt_fields.hpp"
#include "tests/ring/raw_frames.hpp"

#include <cstring>

namespace mcpwire::io {
namespace {

using ring::Field;
using ring::FieldHome;
using ring::kTableCall;
using ring::Point;
using ring::RingOracle;

constexpr std::uint32_t kRing = RawClient::kRingBytes;
constexpr std::uint64_t kFirst = 3;  ///< Correlation of what is sent before the record.

/// Does something while the loop's pollers have announced that they sleep.
struct WhileParked final : Poller {
  bool poll() override { return false; }
  bool prepare_park() override {
    if (act) std::exchange(act, nullptr)();
    return true;
  }
  void unpark(LoopSlept) override {}
  std::function<void()> act;
};

class CorruptFieldsTest : public ClientChannelFixture {
 protected:
  using Case = ring::CorruptCase;

  void SetUp() override {
    ClientChannelFixture::SetUp();
    make_host({.spin_ns = 0});
    honest_ = make_open(kRing);
  }
  void TearDown() override {
    honest_ = {};
    made_ = {};
    ClientChannelFixture::TearDown();
  }

  void run_table(Point point) {
    ring::run_corrupt_table(point, [this](Case& tried) { run_case(tried); });
    EXPECT_EQ(host_->open_channels(), 1U + (made_.receiver->closed ? 0U : 1U));
  }

 private:
  void run_case(Case& tried) {
    reported_.clear();
    violations_before_ = host_->violations();
    if (tried.point == Point::kHandshakeFrame && tried.field.home == FieldHome::kRecord) {
      corrupt_hello(tried);
    } else {
      oracle_.emplace(kRing, true);
      reach(tried);
      if (made_.receiver->closed || tried.point == Point::kAfterClose) {
        expect_end(tried);
      } else {
        go_on(tried);
      }
    }
    expect_honest_round_trip();
  }

  RawClient& client() { return *made_.client; }
  std::byte* ring_memory() { return client().own->memory().ring; }
  std::byte* page() { return ring_memory() - ring::kControlBytes; }

  /// Brings a new connection to the point and spoils the field there.
  void reach(Case& tried) {
    switch (tried.point) {
      case Point::kHandshakeFrame:
        made_ = make_connected();
        say_hello();
        settle_bounded();
        corrupt(tried, 0);
        finish_open();
        return push_target();
      case Point::kHandshakeSegment:
        return reach_with_spoilt_segment(tried);
      case Point::kWhileMapped:
        return reach_mapped(tried);
      case Point::kParkedForData:
      case Point::kParkedForSpace:
        return reach_parked(tried);
      case Point::kInBatch:
        open();
        client().producer->begin_batch();
        push(kFirst);
        push_and_corrupt(tried);
        push(kFirst + 1);
        return client().producer->commit_batch();
      default:
        break;
    }
    open();
    // So far that a record of the largest size would cross the ring's end.
    for (int i = 0; tried.point == Point::kMidStream && i < 20; ++i) push_and_take();
    while (tried.point == Point::kAfterWrap && oracle_->position() <= kRing + 100) push_and_take();
    if (tried.point == Point::kAfterClose) made_.channel->close();
    push_and_corrupt(tried);
  }

  void open() {
    made_ = make_open(kRing);
    written_ = 0;
  }

  void push(std::uint64_t correlation) {
    const std::string payload = pattern(100);
    ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kCallTool, correlation, payload));
    written_ += 192;
    if (written_ % kRing > kRing - 192 && written_ % kRing != 0) {
      written_ += kRing - written_ % kRing;  // The next one does not fit: a pad.
    }
  }
  void push_target() { push(kTableCall); }
  void push_and_take() {
    push(kFirst);
    const std::size_t expected = oracle_->read(ring_memory()).size();
    settle_bounded();
    ASSERT_EQ(made_.receiver->frames.size(), expected);
    made_.receiver->frames.clear();
  }
  void push_and_corrupt(Case& tried) {
    const std::uint64_t position = written_;
    push_target();
    corrupt(tried, position);
  }

  void corrupt(Case& tried, std::uint64_t position) {
    std::byte* home =
        tried.field.home == FieldHome::kRecord ? ring_memory() + position % kRing : page();
    tried.good = ring::load_field(tried.field, home);
    tried.value =
        ring::values_of(tried.field, tried.good, {kRing, position, daemon_written()})[tried.index];
    ring::store_field(tried.field, home, tried.value);
  }

  /// How far the daemon has written its ring.
  std::uint64_t daemon_written() {
    if (!client().peer) return 0;
    RingOracle reader(kRing, false);
    static_cast<void>(reader.read(client().peer->memory().ring));
    return reader.position();
  }

  void say_hello() {
    client().make_segment(kRing);
    hello_with_segment();
  }
  void hello_with_segment() {
    client().send(FrameKind::kRequest, Method::kHello, 1, RawClient::hello(kRing).take(),
                  client().own->fd());
  }
  void finish_open() {
    ASSERT_TRUE(client().receive().has_value());
    client().attach(kRing);
    made_.receiver->frames.clear();
    written_ = 0;
  }

  void reach_with_spoilt_segment(Case& tried) {
    made_ = make_connected();
    client().make_segment(kRing);
    const std::string payload = pattern(100);
    protocol::FrameHeader header{protocol::make_header(FrameKind::kRequest, Method::kCallTool),
                                 ring::lap_tag(0), kTableCall};
    header.request.payload_len = 100;
    std::memcpy(ring_memory(), &header, sizeof header);
    std::memcpy(ring_memory() + sizeof header, payload.data(), payload.size());
    corrupt(tried, 0);
    hello_with_segment();
    const bool is_constant = std::string_view(tried.field.name).starts_with("constants.");
    if (is_constant && tried.index != 0) return settle_bounded();
    // The first record may be taken in the very turn that takes HELLO.
    const auto expected = oracle_->read(ring_memory());
    settle_bounded();
    ASSERT_TRUE(client().receive().has_value());
    client().attach(kRing);
    client().producer.emplace(client().own->memory(), client().peer->memory(), 192);
    written_ = 192;
    ASSERT_FALSE(made_.receiver->frames.empty());
    made_.receiver->frames.erase(made_.receiver->frames.begin());
    expect_frames(expected);
  }

  void reach_mapped(Case& tried) {
    open();
    const UniqueFd file = std::move(ring::create_sealed(as_bytes("a mapped payload"), {})).value();
    client().announce(1, 16, file.get());
    oracle_->files[{1, 1}] = "a mapped payload";
    ASSERT_TRUE(client().push_mapped(1, 0, 16, kTableCall));
    written_ += 64;
    if (tried.field.home == FieldHome::kRecord) return corrupt(tried, 0);
    made_.receiver->react = [&](const SeenFrame&) {
      made_.receiver->react = nullptr;
      corrupt(tried, 0);
    };
    const auto expected = oracle_->read(ring_memory());
    settle_bounded();
    expect_frames(expected);
  }

  void reach_parked(Case& tried) {
    open();
    while (tried.point == Point::kParkedForSpace && !made_.channel->has_unsent()) send_one();
    WhileParked hook;
    hook.act = [&] {
      push_and_corrupt(tried);
      static_cast<void>(ring::ring_doorbell(client().socket.get()));
    };
    loop_->add_poller(hook);
    for (int turn = 0; hook.act && turn < 100; ++turn) loop_->run_once(kNever);
    loop_->remove_poller(hook);
    ASSERT_FALSE(hook.act) << "the loop never slept";
  }

  void send_one() {
    answer(*made_.channel, kFirst, std::string(500, 'x'));
    ++sent_;
  }

  /// As settle(), but a peer that keeps the loop busy for ever is a failure.
  void settle_bounded() {
    int turns = 0;
    for (int idle = 0; idle < 3; ++turns) {
      idle = loop_->run_once(0) ? 0 : idle + 1;
      ASSERT_LT(turns, 500) << "the loop does not come to rest";
    }
  }

  void expect_frames(const std::vector<ring::ExpectedFrame>& expected) {
    const std::vector<SeenFrame>& seen = made_.receiver->frames;
    ASSERT_EQ(seen.size(), expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].header.request, expected[i].header.request);
      EXPECT_EQ(seen[i].header.correlation, expected[i].header.correlation);
      EXPECT_EQ(seen[i].payload, expected[i].payload);
    }
    made_.receiver->frames.clear();
  }

  void take_what_is_there() {
    const auto expected = oracle_->read(ring_memory());
    settle_bounded();
    expect_frames(expected);
  }

  void go_on(const Case& tried) {
    if (tried.point == Point::kParkedForSpace && !is_possible_position()) {
      // Who looks for room learns of it before the record is looked at.
      return expect_violation_once();
    }
    take_what_is_there();
    if (oracle_->end() == RingOracle::End::kViolation) return expect_violation_once();
    ASSERT_FALSE(made_.receiver->closed.has_value());
    const std::uint64_t word = page_word("call_word");
    EXPECT_EQ(made_.channel->begin_sending(kTableCall),
              word != protocol::make_revoked_word(kTableCall));
    for (int i = 0; i < 12; ++i) send_one();
    settle_bounded();
    if (!is_possible_position()) return expect_violation_once();
    if (page_word("consumer_position") != 0) {
      EXPECT_FALSE(made_.receiver->closed.has_value());
      sent_ = 0;
      return;
    }
    client_takes_all();
    push(kFirst + 2);
    take_what_is_there();
    if (oracle_->end() == RingOracle::End::kViolation) expect_violation_once();
  }

  /// Seven answers fill the ring; only then the daemon looks how far the client has read.
  bool is_possible_position() {
    const std::uint64_t position = page_word("consumer_position");
    return position % 64 == 0 && position <= 7 * 576;
  }

  std::uint64_t page_word(const char* name) {
    for (const Field& field : ring::kFields) {
      if (ring::is_field(field, name)) return ring::load_field(field, page());
    }
    ADD_FAILURE() << name;
    return 0;
  }

  /// The client reads its answers as an honest one does; doorbells stay in proportion.
  void client_takes_all() {
    int taken = 0;
    std::size_t bells = 0;
    for (int round = 0; taken < sent_ && round < 100; ++round) {
      while (client().pop()) ++taken;
      if (client().consumer->peer_waits_for_space()) {
        static_cast<void>(ring::ring_doorbell(client().socket.get()));
      }
      settle_bounded();
      while (const auto frame = client().receive()) {
        ++bells;
        EXPECT_EQ(frame->header.request.method, static_cast<std::uint32_t>(Method::kDoorbell));
      }
    }
    EXPECT_EQ(taken, sent_);
    EXPECT_LE(bells, static_cast<std::size_t>(sent_) + 4);
    EXPECT_FALSE(made_.channel->has_unsent());
    sent_ = 0;
  }

  void expect_violation_once() {
    sent_ = 0;
    settle_bounded();
    ASSERT_TRUE(made_.receiver->closed.has_value());
    EXPECT_EQ(made_.receiver->closed->kind, ErrorKind::kInvalid);
    EXPECT_EQ(host_->violations(), violations_before_ + 1);
    ASSERT_EQ(reported_.size(), 1U);
    EXPECT_NE(reported_.front(), error_text(ErrorCode::kProtocolViolation)) << "no reason given";
    expect_hung_up();
  }

  void expect_hung_up() {
    for (int i = 0; i < 100 && !client().is_closed; ++i) static_cast<void>(client().receive());
    EXPECT_TRUE(client().is_closed);
  }

  /// Closed by now: by the segment, or by ourselves.
  void expect_end(const Case& tried) {
    settle_bounded();
    EXPECT_TRUE(made_.receiver->frames.empty());
    if (tried.point != Point::kAfterClose) return expect_violation_once();
    EXPECT_EQ(host_->violations(), violations_before_);
    EXPECT_FALSE(made_.receiver->closed.has_value());
    EXPECT_FALSE(made_.channel->begin_sending(kTableCall));
    made_.channel->publish_call_state(kTableCall, protocol::CallState::kDone);
    EXPECT_FALSE(
        made_.channel->send(protocol::make_header(FrameKind::kResponse, Method::kPing), 1, {}, {}));
    expect_hung_up();
    made_.receiver->closed = Error{};
  }

  void corrupt_hello(Case& tried) {
    made_ = make_connected();
    client().make_segment(kRing);
    const std::string payload = RawClient::hello(kRing).take();
    protocol::FrameHeader header{protocol::make_header(FrameKind::kRequest, Method::kHello), 0, 1};
    header.request.payload_len = static_cast<std::uint32_t>(payload.size());
    std::array<std::byte, sizeof header> bytes;
    copy_bytes(bytes, object_bytes(header));
    tried.good = ring::load_field(tried.field, bytes.data());
    tried.value = ring::values_of(tried.field, tried.good, {kRing, 0, 0})[tried.index];
    ring::store_field(tried.field, bytes.data(), tried.value);
    ring::send_raw(client().socket.get(), std::string(as_text(bytes)) + payload,
                   {client().own->fd()});
    settle_bounded();
    if (tried.index == 0 || ring::is_field(tried.field, "correlation")) {
      EXPECT_EQ(made_.receiver->frames.size(), 1U);
      EXPECT_EQ(client().receive()->header.correlation,
                load_object<protocol::FrameHeader>(bytes).correlation);
      EXPECT_FALSE(made_.receiver->closed.has_value());
      return;
    }
    EXPECT_TRUE(made_.receiver->frames.empty());
    if (!ring::is_field(tried.field, "version")) return expect_violation_once();
    ASSERT_TRUE(made_.receiver->closed.has_value());
    EXPECT_EQ(made_.receiver->closed->kind, ErrorKind::kUnsupported);
    EXPECT_EQ(host_->violations(), violations_before_);
    const auto refusal = client().receive();
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(protocol::kind_of(refusal->header.request.flags), FrameKind::kError);
    expect_hung_up();
  }

  void expect_honest_round_trip() {
    RawClient& other = *honest_.client;
    ASSERT_TRUE(other.push(FrameKind::kRequest, Method::kPing, 7, ""));
    static_cast<void>(ring::ring_doorbell(other.socket.get()));
    settle_bounded();
    ASSERT_EQ(honest_.receiver->frames.size(), 1U);
    honest_.receiver->frames.clear();
    answer(*honest_.channel, 7, "pong");
    settle_bounded();
    const auto pong = other.pop();
    ASSERT_TRUE(pong.has_value());
    EXPECT_EQ(pong->payload, "pong");
    while (other.receive()) {
    }
    ASSERT_FALSE(other.is_closed);
  }

  Connected honest_;
  Connected made_;
  std::optional<RingOracle> oracle_;
  std::uint64_t written_ = 0;
  std::uint64_t violations_before_ = 0;
  int sent_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kernels, CorruptFieldsTest,
                         ::testing::Values(kLoopVariants[0], kLoopVariants[2]), variant_name);

TEST_P(CorruptFieldsTest, InTheHandshakesFrame) { run_table(Point::kHandshakeFrame); }
TEST_P(CorruptFieldsTest, InTheHandshakesSegment) { run_table(Point::kHandshakeSegment); }
TEST_P(CorruptFieldsTest, InTheFirstRecord) { run_table(Point::kFirstRecord); }
TEST_P(CorruptFieldsTest, InMidStream) { run_table(Point::kMidStream); }
TEST_P(CorruptFieldsTest, AfterTheRingWrapped) { run_table(Point::kAfterWrap); }
TEST_P(CorruptFieldsTest, InsideABatch) { run_table(Point::kInBatch); }
TEST_P(CorruptFieldsTest, WhileTheDaemonSleepsForData) { run_table(Point::kParkedForData); }
TEST_P(CorruptFieldsTest, WhileTheDaemonSleepsForRoom) { run_table(Point::kParkedForSpace); }
TEST_P(CorruptFieldsTest, WhileAMessageIsMapped) { run_table(Point::kWhileMapped); }
TEST_P(CorruptFieldsTest, AfterTheChannelWasClosed) { run_table(Point::kAfterClose); }

}  // namespace
}  // namespace mcpwire::io
