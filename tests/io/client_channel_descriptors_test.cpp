// SPDX-License-Identifier: MIT
//
// Descriptors from a hostile client, at every place where one is accepted and where none is: each
// is refused with a violation that says why, none stays open. And what a daemon does that has no
// descriptor left for an honest one.
#include "tests/io/client_channel_fixture.hpp"
#include "tests/ring/hostile_descriptors.hpp"
#include "tests/ring/raw_frames.hpp"

#include <fcntl.h>
#include <sys/resource.h>

namespace mcpwire::io {
namespace {

constexpr std::uint32_t kRing = RawClient::kRingBytes;

/// No descriptor above those that are open now can be made.
class DescriptorShortage {
 public:
  explicit DescriptorShortage(rlim_t spare) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlim_t lowest_free = 0;
    while (fcntl(static_cast<int>(lowest_free), F_GETFD) >= 0) ++lowest_free;
    rlimit few = before_;
    few.rlim_cur = lowest_free + spare;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~DescriptorShortage() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorShortage(const DescriptorShortage&) = delete;
  DescriptorShortage& operator=(const DescriptorShortage&) = delete;

 private:
  rlimit before_{};
};

std::string hello_bytes(const std::string& payload) {
  protocol::FrameHeader header{protocol::make_header(FrameKind::kRequest, Method::kHello), 0, 1};
  header.request.payload_len = static_cast<std::uint32_t>(payload.size());
  return std::string(as_text(object_bytes(header))) + payload;
}

std::string memory_bytes(std::uint64_t bytes) {
  const protocol::MemoryEvent event{sizeof(event), 1, 1, protocol::MemoryLife::kOnce, bytes};
  protocol::FrameHeader header{protocol::make_header(FrameKind::kEvent, Method::kMemory), 0, 0};
  header.request.payload_len = sizeof event;
  return std::string(as_text(object_bytes(header))) + std::string(as_text(object_bytes(event)));
}

class ClientChannelDescriptorsTest : public ClientChannelFixture {
 protected:
  void SetUp() override {
    ClientChannelFixture::SetUp();
    make_host({.spin_ns = 0});
  }
  RawClient& client() { return *first_.client; }

  ring::WantedFile wanted_segment() {
    const ring::SegmentConstants constants = ring::make_constants(kRing);
    return {ring::segment_bytes(kRing),
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL,
            std::string(as_text(object_bytes(constants)))};
  }
  static ring::WantedFile wanted_payload() {
    return {16, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL, "a mapped payload"};
  }

  void hello_with(const std::vector<int>& fds) {
    first_ = make_connected();
    ring::send_raw(client().socket.get(), hello_bytes(RawClient::hello(kRing).take()), fds);
    settle();
  }
  void map_with(const std::vector<int>& fds) {
    first_ = make_open(kRing);
    ring::send_raw(client().socket.get(), memory_bytes(16), fds);
    client().push_mapped(1, 0, 16);
    settle();
  }
  /// A frame that takes no descriptor.
  void doorbell_with(const std::vector<int>& fds) {
    first_ = make_open(kRing);
    const protocol::FrameHeader header{protocol::make_header(FrameKind::kEvent, Method::kDoorbell),
                                       0, 0};
    ring::send_raw(client().socket.get(), std::string(as_text(object_bytes(header))), fds);
    settle();
  }
  /// New rings instead of those that the daemon gave back.
  void renew_rings_with(const std::vector<int>& fds) {
    first_ = make_connected();
    client().make_segment(kRing);
    RawClient::Hello hello = RawClient::hello(kRing);
    hello.fixed.features_optional |= protocol::feature::kRingRenewal;
    client().send(FrameKind::kRequest, Method::kHello, 1, hello.take(), client().own->fd());
    run_until([this] { return client().receive().has_value(); });
    run_until([this] { return first_.channel->ring_bytes() == 0; });
    say_rings(fds);
  }
  /// New rings while there are some.
  void offer_rings_with(const std::vector<int>& fds) {
    first_ = make_open(kRing);
    say_rings(fds);
  }
  void say_rings(const std::vector<int>& fds) {
    const protocol::RingsOffer offer{sizeof offer, kRing};
    protocol::FrameHeader header{protocol::make_header(FrameKind::kRequest, Method::kRings), 0, 1};
    header.request.payload_len = sizeof offer;
    ring::send_raw(
        client().socket.get(),
        std::string(as_text(object_bytes(header))) + std::string(as_text(object_bytes(offer))),
        fds);
    settle();
  }
  void ping_on_socket_with(const std::vector<int>& fds) {
    first_ = make_open(0);
    const protocol::FrameHeader header{protocol::make_header(FrameKind::kRequest, Method::kPing), 0,
                                       2};
    ring::send_raw(client().socket.get(), std::string(as_text(object_bytes(header))), fds);
    settle();
  }

  /// Runs `attack`, expects one violation with its reason, and every descriptor given back.
  void expect_refused(const char* name, const std::function<void()>& attack) {
    SCOPED_TRACE(name);
    first_ = {};
    settle();
    const std::size_t before = ring::count_descriptors();
    const std::uint64_t violations = host_->violations();
    reported_.clear();
    attack();
    ASSERT_TRUE(first_.receiver->closed.has_value());
    EXPECT_EQ(first_.receiver->closed->kind, ErrorKind::kInvalid);
    EXPECT_EQ(host_->violations(), violations + 1);
    ASSERT_EQ(reported_.size(), 1U);
    EXPECT_NE(reported_.front(), error_text(ErrorCode::kProtocolViolation));
    first_ = {};
    settle();
    EXPECT_EQ(ring::count_descriptors(), before);
    ++refused_;
  }

  int refused_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kernels, ClientChannelDescriptorsTest,
                         ::testing::Values(kLoopVariants[0], kLoopVariants[2]), variant_name);

TEST_P(ClientChannelDescriptorsTest, CorrectFilesAreTakenAndClosed) {
  const std::size_t before = ring::count_descriptors();
  {
    const UniqueFd segment = ring::make_file(wanted_segment());
    hello_with({segment.get()});
    EXPECT_EQ(first_.channel->ring_bytes(), kRing);
    const UniqueFd payload = ring::make_file(wanted_payload());
    map_with({payload.get()});
    ASSERT_EQ(first_.receiver->frames.size(), 1U);
    EXPECT_EQ(first_.receiver->frames[0].payload, "a mapped payload");
    first_ = {};
  }
  settle();
  EXPECT_EQ(ring::count_descriptors(), before);
}

TEST_P(ClientChannelDescriptorsTest, EveryWrongOneIsRefusedInTheHandshake) {
  for (const auto& hostile : ring::hostile_descriptors()) {
    expect_refused(hostile.name, [&] {
      const UniqueFd fd = hostile.make(wanted_segment());
      hello_with({fd.get()});
    });
  }
  EXPECT_EQ(refused_, 22);
}

TEST_P(ClientChannelDescriptorsTest, EveryWrongOneIsRefusedAsNewRings) {
  make_host({.spin_ns = 0, .ring_idle_ns = 1});
  const UniqueFd segment = ring::make_file(wanted_segment());
  renew_rings_with({segment.get()});
  EXPECT_FALSE(first_.receiver->closed.has_value());
  EXPECT_TRUE(client().receive().has_value());
  for (const auto& hostile : ring::hostile_descriptors()) {
    expect_refused(hostile.name, [&] {
      const UniqueFd fd = hostile.make(wanted_segment());
      renew_rings_with({fd.get()});
    });
  }
  for (const std::size_t count : {0U, 2U, 5U, 253U}) {
    const std::string name = std::to_string(count) + " descriptors";
    expect_refused(name.c_str(), [&] { renew_rings_with(std::vector<int>(count, segment.get())); });
  }
  EXPECT_EQ(refused_, 26);
}

TEST_P(ClientChannelDescriptorsTest, EveryWrongOneIsRefusedAsAPayload) {
  for (const auto& hostile : ring::hostile_descriptors()) {
    expect_refused(hostile.name, [&] {
      const UniqueFd fd = hostile.make(wanted_payload());
      map_with({fd.get()});
    });
  }
  EXPECT_EQ(refused_, 22);
}

TEST_P(ClientChannelDescriptorsTest, WrongNumbersOfThemAreRefused) {
  const UniqueFd segment = ring::make_file(wanted_segment());
  const UniqueFd payload = ring::make_file(wanted_payload());
  for (const std::size_t count : {2U, 3U, 4U, 5U, 253U}) {
    const std::string name = std::to_string(count) + " descriptors";
    expect_refused(name.c_str(), [&] { hello_with(std::vector<int>(count, segment.get())); });
    expect_refused(name.c_str(), [&] { map_with(std::vector<int>(count, payload.get())); });
    expect_refused(name.c_str(), [&] { offer_rings_with(std::vector<int>(count, segment.get())); });
    expect_refused(name.c_str(), [&] { doorbell_with(std::vector<int>(count, payload.get())); });
  }
  expect_refused("none in HELLO", [&] { hello_with({}); });
  expect_refused("none with a memory event", [&] { map_with({}); });
  expect_refused("one with a doorbell", [&] { doorbell_with({payload.get()}); });
  expect_refused("one with a ping", [&] { ping_on_socket_with({payload.get()}); });
  expect_refused("one with rings too many", [&] { offer_rings_with({segment.get()}); });
  EXPECT_EQ(refused_, 25);
}

TEST_P(ClientChannelDescriptorsTest, OnesThatNobodyUsesAreClosedWithTheChannel) {
  first_ = {};
  const std::size_t before = ring::count_descriptors();
  const UniqueFd payload = ring::make_file(wanted_payload());
  first_ = make_open(0);
  first_ = make_connected();
  // A memory file although rings are not asked for.
  ring::send_raw(client().socket.get(), hello_bytes(RawClient::hello(0).take()), {payload.get()});
  settle();
  EXPECT_FALSE(first_.receiver->closed.has_value());
  first_ = {};
  settle();
  EXPECT_EQ(ring::count_descriptors(), before + 1);
}

class ClientChannelShortageTest : public ClientChannelDescriptorsTest {
 protected:
  void SetUp() override {
    ClientChannelDescriptorsTest::SetUp();
    ChannelHostOptions options;
    options.spin_ns = 0;
    options.on_no_shared_memory = [this](const Error& why) { warnings_.push_back(why.message()); };
    make_host(std::move(options));
  }
  void expect_served_on_socket() {
    ASSERT_FALSE(first_.receiver->closed.has_value()) << first_.receiver->closed->message();
    EXPECT_EQ(first_.channel->ring_bytes(), 0U);
    const auto reply = client().receive();
    ASSERT_TRUE(reply.has_value());
    const auto agreed =
        protocol::PayloadReader(as_bytes(reply->payload)).fixed<protocol::HelloReply>();
    EXPECT_EQ(agreed->ring_bytes, 0U);
    EXPECT_EQ(agreed->features & protocol::feature::kSharedMemory, 0U);
    first_.receiver->frames.clear();
    client().send(FrameKind::kRequest, Method::kPing, 2, "");
    settle();
    EXPECT_EQ(first_.receiver->frames.size(), 1U);
    EXPECT_EQ(host_->violations(), 0U);
  }
  std::vector<std::string> warnings_;
};

INSTANTIATE_TEST_SUITE_P(Kernels, ClientChannelShortageTest,
                         ::testing::Values(kLoopVariants[0], kLoopVariants[2]), variant_name);

TEST_P(ClientChannelShortageTest, ADaemonWithoutADescriptorLeftServesOnTheSocketAndSaysSoOnce) {
  const UniqueFd segment = ring::make_file(wanted_segment());
  for (int client_number = 0; client_number < 2; ++client_number) {
    first_ = make_connected();
    settle();
    {
      const DescriptorShortage shortage(0);
      ring::send_raw(client().socket.get(), hello_bytes(RawClient::hello(kRing).take()),
                     {segment.get()});
      settle();
    }
    expect_served_on_socket();
    EXPECT_TRUE(host_->lacks_shared_memory());
  }
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_.front().find("Too many open files"), std::string::npos) << warnings_.front();
  first_ = make_open(kRing);
  EXPECT_EQ(first_.channel->ring_bytes(), kRing);
  EXPECT_FALSE(host_->lacks_shared_memory());
}

TEST_P(ClientChannelShortageTest, AClientThatRequiresRingsIsRefusedInstead) {
  const UniqueFd segment = ring::make_file(wanted_segment());
  first_ = make_connected();
  RawClient::Hello hello = RawClient::hello(kRing);
  hello.fixed.features_required = protocol::feature::kSharedMemory;
  {
    const DescriptorShortage shortage(0);
    ring::send_raw(client().socket.get(), hello_bytes(hello.take()), {segment.get()});
    settle();
  }
  const auto refusal = client().receive();
  ASSERT_TRUE(refusal.has_value());
  const protocol::PayloadReader reader(as_bytes(refusal->payload));
  const auto fixed = reader.fixed<protocol::HelloRefusal>();
  ASSERT_TRUE(fixed.has_value());
  EXPECT_NE(reader.text(fixed->message)->find("Too many open files"), std::string_view::npos)
      << *reader.text(fixed->message);
  EXPECT_EQ(fixed->error_kind, static_cast<std::uint32_t>(ErrorKind::kOverloaded));
  EXPECT_EQ(host_->violations(), 0U);
}

TEST_P(ClientChannelShortageTest, AFileThatFoundNoPlaceCostsItsRequestAlone) {
  const UniqueFd payload = ring::make_file(wanted_payload());
  first_ = make_open(kRing);
  {
    const DescriptorShortage shortage(0);
    ring::send_raw(client().socket.get(), memory_bytes(16), {payload.get()});
    settle();
  }
  ASSERT_TRUE(client().push_mapped(1, 0, 16, 5));
  settle();
  EXPECT_FALSE(first_.receiver->closed.has_value());
  EXPECT_TRUE(first_.receiver->frames.empty());
  const auto refused = client().pop();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->header.correlation, 5U);
  EXPECT_EQ(protocol::outcome_of(refused->header.request.flags), Outcome::kRejected);
  const auto body = protocol::parse_error_body(as_bytes(refused->payload));
  EXPECT_EQ(body->error.kind, ErrorKind::kOverloaded);
  EXPECT_FALSE(body->may_have_been_sent);
  ASSERT_TRUE(client().push(FrameKind::kRequest, Method::kPing, 6, ""));
  settle();
  EXPECT_EQ(first_.receiver->frames.size(), 1U);
  EXPECT_EQ(host_->violations(), 0U);
}

}  // namespace
}  // namespace mcpwire::io
