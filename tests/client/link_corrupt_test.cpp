// SPDX-License-Identifier: MIT
//
// A hostile daemon against a link: every field of a record's header and of the control page, 24
// values each, at every point of a connection's life (tests/ring/corrupt_fields). What RingOracle
// reads out of the same bytes is delivered, nothing else; a broken rule loses the link, and what
// is said of a call is what its word says. Beside it another link makes a round trip after every
// case.
#include "tests/client/raw_daemon.hpp"
#include "tests/ring/corrupt_fields.hpp"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

namespace mcpwire::client::detail {
namespace {

using protocol::CallState;
using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using ring::Field;
using ring::FieldHome;
using ring::kTableCall;
using ring::Point;
using ring::RingOracle;

constexpr std::uint32_t kRing = 4096;
constexpr std::uint64_t kFirst = 3;

protocol::RequestHeader answer_header() {
  return protocol::make_header(FrameKind::kResponse, Method::kCallTool, Outcome::kOk);
}
protocol::RequestHeader request_header() {
  return protocol::make_header(FrameKind::kRequest, Method::kCallTool);
}

struct Pair {
  std::unique_ptr<RawDaemon> daemon;
  std::unique_ptr<Link> link;
  RecordingSink sink;
};

std::unique_ptr<Pair> make_pair() {
  auto pair = std::make_unique<Pair>();
  pair->daemon = std::make_unique<RawDaemon>(kRing);
  pair->daemon->say_reply();
  auto link = pair->daemon->open_link();
  EXPECT_TRUE(link.has_value());
  pair->link = std::move(*link);
  pair->daemon->attach();
  return pair;
}

class LinkCorruptFieldsTest : public ::testing::Test {
 protected:
  using Case = ring::CorruptCase;

  void SetUp() override { honest_ = make_pair(); }

  void run_table(Point point) {
    ring::run_corrupt_table(point, [this](Case& tried) { run_case(tried); });
  }

 private:
  void run_case(Case& tried) {
    oracle_.emplace(kRing, false);
    written_ = 0;
    if (tried.point == Point::kHandshakeFrame && tried.field.home == FieldHome::kRecord) {
      corrupt_reply(tried);
    } else if (tried.point == Point::kHandshakeSegment) {
      spoil_segment(tried);
    } else {
      made_ = make_pair();
      reach(tried);
    }
    expect_honest_round_trip();
  }

  RawDaemon& daemon() { return *made_->daemon; }
  Link& link() { return *made_->link; }
  std::byte* ring_memory() { return daemon().own->memory().ring; }
  std::byte* page() { return ring_memory() - ring::kControlBytes; }

  void reach(Case& tried) {
    switch (tried.point) {
      case Point::kHandshakeFrame:
        corrupt(tried, 0);
        push(kTableCall);
        break;
      case Point::kInBatch:
        daemon().producer->begin_batch();
        push(kFirst);
        push_and_corrupt(tried);
        push(kFirst + 1);
        daemon().producer->commit_batch();
        break;
      case Point::kParkedForData:
        return while_it_sleeps_for_data(tried);
      case Point::kParkedForSpace:
        return while_it_sleeps_for_room(tried);
      case Point::kWhileMapped:
        push_mapped(tried);
        break;
      case Point::kAfterClose:
        push_and_corrupt(tried);
        daemon().socket.reset();
        return expect_all_taken_and_lost(tried);
      default:
        while (tried.point == Point::kMidStream && written_ < 20 * 192) push_and_take();
        while (tried.point == Point::kAfterWrap && written_ <= kRing + 100) push_and_take();
        push_and_corrupt(tried);
        break;
    }
    go_on(tried);
  }

  void push(std::uint64_t correlation) {
    ASSERT_TRUE(daemon().push(answer_header(), correlation, std::string(100, 'p')));
    written_ += 192;
    if (written_ % kRing > kRing - 192 && written_ % kRing != 0) {
      written_ += kRing - written_ % kRing;
    }
  }
  void push_and_corrupt(Case& tried) {
    const std::uint64_t position = written_;
    push(kTableCall);
    corrupt(tried, position);
  }
  void push_and_take() {
    push(kFirst);
    take_what_is_there();
  }
  void push_mapped(Case& tried) {
    const UniqueFd file = std::move(ring::create_sealed(as_bytes("a mapped payload"), {})).value();
    daemon().announce(1, 16, {file.get()});
    oracle_->files[{1, 1}] = "a mapped payload";
    const protocol::MappedDescriptor descriptor{1, 1, 0, 16};
    protocol::RequestHeader header = answer_header();
    header.flags |= protocol::flag::kMapped;
    ASSERT_TRUE(daemon().push(header, kTableCall, as_text(object_bytes(descriptor))));
    if (tried.field.home == FieldHome::kRecord) return corrupt(tried, 0);
    made_->sink.react = [this, &tried] { corrupt(tried, 0); };
  }

  void corrupt(Case& tried, std::uint64_t position) {
    std::byte* home =
        tried.field.home == FieldHome::kRecord ? ring_memory() + position % kRing : page();
    tried.good = ring::load_field(tried.field, home);
    tried.value = ring::values_of(tried.field, tried.good, {kRing, position, 7 * 576})[tried.index];
    ring::store_field(tried.field, home, tried.value);
  }

  /// Delivers until nothing comes or the link is lost.
  void pump_all() {
    for (int rounds = 0; rounds < 100; ++rounds) {
      if (link().pump(made_->sink, 0) != Link::PumpEnd::kProgress) return;
    }
    FAIL() << "the link does not come to rest";
  }

  void expect_delivered(const std::vector<ring::ExpectedFrame>& expected) {
    const std::vector<Delivered>& seen = made_->sink.messages;
    ASSERT_EQ(seen.size(), expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].header.request, expected[i].header.request);
      EXPECT_EQ(seen[i].header.correlation, expected[i].header.correlation);
      EXPECT_EQ(seen[i].payload, expected[i].payload);
    }
    made_->sink.messages.clear();
  }
  void take_what_is_there() {
    const auto expected = oracle_->read(ring_memory());
    pump_all();
    expect_delivered(expected);
  }

  void go_on(const Case& tried) {
    take_what_is_there();
    if (oracle_->end() == RingOracle::End::kViolation) return expect_violation();
    ASSERT_FALSE(link().is_lost());
    if (page_word("wait_word") >= ring::kRetiringWaitWord) return expect_retired_daemon_left();
    const std::uint64_t position = page_word("consumer_position");
    int sent = 0;
    while (sent < 7 && send_one()) ++sent;
    ASSERT_EQ(sent, 7) << "the ring holds seven";
    const bool has_room = send_one();
    if (position != 0) {
      const bool is_possible = position % 64 == 0 && position <= 7 * 576;
      EXPECT_EQ(has_room, is_possible && position >= 576);
      if (!is_possible) expect_violation();
      return expect_truth_about_call();
    }
    EXPECT_FALSE(has_room);
    daemon_takes_all(sent);
    EXPECT_TRUE(send_one());
    push(kFirst + 2);
    take_what_is_there();
    EXPECT_EQ(link().is_lost(), oracle_->end() == RingOracle::End::kViolation);
    if (tried.field.home == FieldHome::kPage) expect_truth_about_call();
  }

  /// A daemon that gives rings back although that was not agreed, or never says whether it does.
  void expect_retired_daemon_left() {
    const bool has_retired = page_word("wait_word") >= ring::kRetiredWaitWord;
    EXPECT_FALSE(send_one());
    ASSERT_TRUE(link().is_lost());
    EXPECT_EQ(link().loss().kind, has_retired ? ErrorKind::kInvalid : ErrorKind::kTimeout);
    expect_truth_about_call();
  }

  bool send_one() {
    return link()
        .send(made_->sink, request_header(), kFirst, as_bytes(std::string(500, 'q')), 0)
        .has_value();
  }

  void daemon_takes_all(int sent) {
    int taken = 0;
    while (daemon().pop()) ++taken;
    EXPECT_EQ(taken, sent);
    static_cast<void>(daemon().consumer->peer_waits_for_space());
    int bells = 0;
    while (const auto frame = daemon().receive()) {
      ++bells;
      EXPECT_EQ(frame->header.request.method, static_cast<std::uint32_t>(Method::kDoorbell));
    }
    EXPECT_LE(bells, sent + 8);
  }

  std::uint64_t page_word(const char* name) {
    for (const Field& field : ring::kFields) {
      if (ring::is_field(field, name)) return ring::load_field(field, page());
    }
    ADD_FAILURE() << name;
    return 0;
  }

  void expect_violation() {
    ASSERT_TRUE(link().is_lost());
    EXPECT_EQ(link().loss().kind, ErrorKind::kInvalid);
    EXPECT_EQ(link().loss().code, ErrorCode::kProtocolViolation);
    EXPECT_FALSE(link().send(made_->sink, request_header(), 5, {}, 0).has_value());
    expect_truth_about_call();
  }

  /// What the daemon's word says of this very call; anything else says nothing of it.
  void expect_truth_about_call() {
    const std::uint64_t word = page_word("call_word");
    const auto state = static_cast<std::uint8_t>(word);
    const bool is_of_call = word >> 8 == kTableCall && state <= 4;
    const CallState expected = is_of_call ? static_cast<CallState>(state) : CallState::kNone;
    EXPECT_EQ(link().revoke(made_->sink, kTableCall), expected);
  }

  void corrupt_reply(Case& tried) {
    made_ = std::make_unique<Pair>();
    made_->daemon = std::make_unique<RawDaemon>(kRing);
    const std::string payload = daemon().reply().take();
    protocol::FrameHeader header = RawDaemon::reply_header(payload.size());
    std::array<std::byte, sizeof header> bytes;
    copy_bytes(bytes, object_bytes(header));
    tried.good = ring::load_field(tried.field, bytes.data());
    tried.value = ring::values_of(tried.field, tried.good, {kRing, 0, 0})[tried.index];
    ring::store_field(tried.field, bytes.data(), tried.value);
    ring::send_raw(daemon().socket.get(), std::string(as_text(bytes)) + payload,
                   {daemon().segment_fd()});
    const auto opened = daemon().open_link();
    EXPECT_EQ(opened.has_value(), tried.index == 0);
    if (opened) return;
    const bool is_told_apart = opened.error().kind == ErrorKind::kInvalid ||
                               opened.error().kind == ErrorKind::kUnsupported;
    EXPECT_TRUE(is_told_apart) << opened.error().message();
  }

  void spoil_segment(Case& tried) {
    made_ = std::make_unique<Pair>();
    made_->daemon = std::make_unique<RawDaemon>(kRing);
    protocol::FrameHeader header{answer_header(), ring::lap_tag(0), kTableCall};
    header.request.payload_len = 100;
    std::memcpy(ring_memory(), &header, sizeof header);
    corrupt(tried, 0);
    daemon().say_reply();
    auto opened = daemon().open_link();
    const bool is_constant = std::string_view(tried.field.name).starts_with("constants.");
    if (is_constant && tried.index != 0) {
      ASSERT_FALSE(opened.has_value());
      EXPECT_EQ(opened.error().code, ErrorCode::kProtocolViolation);
      return;
    }
    ASSERT_TRUE(opened.has_value());
    made_->link = std::move(*opened);
    // The honest half of this daemon would start where nothing has been read.
    const std::uint64_t position = page_word("consumer_position");
    daemon().attach(192);
    ring::store_field(ring::kFields[12], page(), position);
    written_ = 192;
    go_on(tried);
  }

  bool client_sleeps(const char* word) {
    const auto* client_page = daemon().peer->memory().ring - ring::kControlBytes;
    for (const Field& field : ring::kFields) {
      if (!ring::is_field(field, word)) continue;
      const auto& shared = *reinterpret_cast<const std::uint64_t*>(client_page + field.offset);
      const ring::detail::ReadOnlyWord<std::uint64_t> wait_word(shared);
      return ring::wait_word_asleep(wait_word.load(std::memory_order_acquire));
    }
    return false;
  }

  void while_it_sleeps_for_data(Case& tried) {
    std::thread client([this] {
      while (link().pump(made_->sink, kNever) != Link::PumpEnd::kLost) {
      }
    });
    while (!client_sleeps("wait_word")) std::this_thread::yield();
    const std::uint64_t position = written_;
    // Spoilt before it is published, or the client might read it while we spoil it.
    daemon().producer->begin_batch();
    push(kTableCall);
    corrupt_and_publish(tried, position);
    const auto expected = oracle_->read(ring_memory());
    daemon().ring_bell();
    daemon().socket.reset();
    client.join();
    expect_delivered(expected);
    if (oracle_->end() == RingOracle::End::kViolation) return expect_violation();
    ASSERT_TRUE(link().is_lost());
    EXPECT_EQ(link().loss().kind, ErrorKind::kDisconnected);
    expect_truth_about_call();
  }

  void corrupt_and_publish(Case& tried, std::uint64_t position) {
    if (!ring::is_field(tried.field, "commit")) {
      corrupt(tried, position);
      return daemon().producer->commit_batch();
    }
    // Of a commit word the wrong value is what is published.
    ring::store_field(tried.field, ring_memory() + position % kRing, ring::lap_tag(position));
    tried.good = ring::lap_tag(position);
    tried.value = ring::values_of(tried.field, tried.good, {kRing, position, 0})[tried.index];
    ring::store_field(tried.field, ring_memory() + position % kRing, tried.value);
  }

  void while_it_sleeps_for_room(Case& tried) {
    for (int i = 0; i < 7; ++i) ASSERT_TRUE(send_one());
    Result<void> sent;
    std::thread client([this, &sent] {
      sent = link().send(made_->sink, request_header(), kFirst, as_bytes(std::string(500, 'q')),
                         kNever);
    });
    while (!client_sleeps("space_wait_word")) std::this_thread::yield();
    daemon().producer->begin_batch();
    push(kTableCall);
    corrupt_and_publish(tried, 0);
    const auto expected = oracle_->read(ring_memory());
    daemon().ring_bell();
    daemon().socket.reset();
    client.join();
    const std::uint64_t position = page_word("consumer_position");
    const bool is_possible = position % 64 == 0 && position <= 7 * 576;
    if (!is_possible) return expect_violation();
    EXPECT_EQ(sent.has_value(), position >= 576);
    link().drain(made_->sink);
    expect_delivered(expected);
    if (oracle_->end() == RingOracle::End::kViolation) return expect_violation();
    expect_truth_about_call();
  }

  void expect_all_taken_and_lost(const Case& tried) {
    take_what_is_there();
    if (oracle_->end() == RingOracle::End::kViolation) return expect_violation();
    EXPECT_EQ(link().pump(made_->sink, kNever), Link::PumpEnd::kLost) << tried.field.name;
    EXPECT_EQ(link().loss().kind, ErrorKind::kDisconnected);
    expect_truth_about_call();
  }

  void expect_honest_round_trip() {
    ASSERT_TRUE(honest_->link
                    ->send(honest_->sink, protocol::make_header(FrameKind::kRequest, Method::kPing),
                           7, {}, 0)
                    .has_value());
    ASSERT_TRUE(honest_->daemon->pop());
    static_cast<void>(honest_->daemon->consumer->peer_waits_for_space());
    ASSERT_TRUE(honest_->daemon->push(answer_header(), 7, "pong"));
    ASSERT_EQ(honest_->link->pump(honest_->sink, 0), Link::PumpEnd::kProgress);
    ASSERT_EQ(honest_->sink.messages.size(), 1U);
    EXPECT_EQ(honest_->sink.messages[0].payload, "pong");
    honest_->sink.messages.clear();
  }

  std::unique_ptr<Pair> honest_;
  std::unique_ptr<Pair> made_;
  std::optional<RingOracle> oracle_;
  std::uint64_t written_ = 0;
};

TEST_F(LinkCorruptFieldsTest, InTheHandshakesFrame) { run_table(Point::kHandshakeFrame); }
TEST_F(LinkCorruptFieldsTest, InTheHandshakesSegment) { run_table(Point::kHandshakeSegment); }
TEST_F(LinkCorruptFieldsTest, InTheFirstRecord) { run_table(Point::kFirstRecord); }
TEST_F(LinkCorruptFieldsTest, InMidStream) { run_table(Point::kMidStream); }
TEST_F(LinkCorruptFieldsTest, AfterTheRingWrapped) { run_table(Point::kAfterWrap); }
TEST_F(LinkCorruptFieldsTest, InsideABatch) { run_table(Point::kInBatch); }
TEST_F(LinkCorruptFieldsTest, WhileTheClientSleepsForData) { run_table(Point::kParkedForData); }
TEST_F(LinkCorruptFieldsTest, WhileTheClientSleepsForRoom) { run_table(Point::kParkedForSpace); }
TEST_F(LinkCorruptFieldsTest, WhileAMessageIsMapped) { run_table(Point::kWhileMapped); }
TEST_F(LinkCorruptFieldsTest, AfterTheDaemonClosed) { run_table(Point::kAfterClose); }

}  // namespace
}  // namespace mcpwire::client::detail
