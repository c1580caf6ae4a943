// SPDX-License-Identifier: MIT
//
// A client of version 1, which says its frozen bytes (tests/protocol/golden), against the channel
// of today: it must be understood, and answered with frozen bytes. And clients that are newer.
#include "tests/io/client_channel_fixture.hpp"
#include "tests/protocol/golden/conversation.hpp"
#include "tests/ring/hostile_descriptors.hpp"
#include "tests/ring/raw_frames.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace mcpwire::io {
namespace {

using protocol::golden::v1;
using protocol::golden::v1_payload;

constexpr std::uint32_t kRing = 4096;

class OldClientTest : public ClientChannelFixture {
 protected:
  void SetUp() override {
    ClientChannelFixture::SetUp();
    host_ = std::make_unique<ChannelHost>(
        *loop_, ChannelHostOptions{.daemon_instance = 0x1122'3344'5566'7788,
                                   .daemon_pid = 4711,
                                   .daemon_version = "0.1.0",
                                   .spin_ns = 0});
    first_ = make_connected();
  }

  /// As an old client would, whatever the classes of today have become.
  void say(const std::string& bytes, const std::vector<int>& fds = {}) {
    ring::send_raw(first_.client->socket.get(), bytes, fds);
    settle();
  }
  std::string hear() {
    std::string bytes(protocol::kSocketFrameBytesMax, '\0');
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(first_.client->socket.get(), &message, MSG_DONTWAIT);
    if (const cmsghdr* rights = CMSG_FIRSTHDR(&message); got >= 0 && rights != nullptr) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
      daemon_file_.reset(fd);
    }
    return bytes.substr(0, got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  const SeenFrame& last_frame() { return first_.receiver->frames.back(); }

  void make_segment() {
    segment_ = ring::make_file({4096 + kRing, 0, v1("segment_constants")});
    // Mapped before it is sealed: the seals spare what is mapped already.
    base_ = map(segment_.get(), PROT_READ | PROT_WRITE);
    ASSERT_EQ(::fcntl(segment_.get(), F_ADD_SEALS,
                      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL),
              0);
  }
  static char* map(int fd, int protection) {
    return static_cast<char*>(::mmap(nullptr, 4096 + kRing, protection, MAP_SHARED, fd, 0));
  }
  /// The record as a producer writes it: its commit word last.
  void write_record(std::size_t at, const std::string& bytes) const {
    char* record = base_ + 4096 + at;
    std::memcpy(record, bytes.data(), 20);
    std::memcpy(record + 24, bytes.data() + 24, bytes.size() - 24);
    std::memcpy(record + 20, bytes.data() + 20, 4);
  }

  UniqueFd segment_;
  UniqueFd daemon_file_;
  char* base_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Kernels, OldClientTest,
                         ::testing::Values(kLoopVariants[0], kLoopVariants[2]), variant_name);

TEST_P(OldClientTest, IsServedOnTheSocket) {
  say(v1("hello_socket"));
  EXPECT_EQ(hear(), v1("hello_reply_socket"));
  say(v1("ping"));
  EXPECT_EQ(last_frame().header.request.method, static_cast<std::uint32_t>(Method::kPing));
  ASSERT_TRUE(first_.channel->send(
      protocol::make_header(FrameKind::kResponse, Method::kPing, Outcome::kOk), 2, {}, {}));
  EXPECT_EQ(hear(), v1("ping_answer"));

  say(v1("call_tool"));
  EXPECT_EQ(last_frame().payload, v1_payload("call_tool"));
  const protocol::PayloadReader call(as_bytes(last_frame().payload));
  constexpr std::size_t kRequired = offsetof(protocol::CallToolRequest, abilities);
  const auto request = call.fixed<protocol::CallToolRequest, kRequired>();
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(*call.text(request->server), "demo");
  EXPECT_EQ(*call.text(request->arguments), R"({"message":"x"})");
  EXPECT_EQ(request->idempotency_key[1], 6U);
  EXPECT_TRUE(first_.channel->begin_sending(3));
  EXPECT_EQ(hear(), v1("intent"));
  ASSERT_TRUE(first_.channel->send(protocol::make_header(FrameKind::kEvent, Method::kProgress), 3,
                                   as_bytes(v1_payload("progress")), {}));
  EXPECT_EQ(hear(), v1("progress"));
  answer(*first_.channel, 3, v1_payload("call_tool_answer"));
  EXPECT_EQ(hear(), v1("call_tool_answer"));

  say(v1("cancel"));
  EXPECT_EQ(last_frame().header.request.method, static_cast<std::uint32_t>(Method::kCancel));
  say(v1("status"));
  EXPECT_EQ(last_frame().header.correlation, 4U);
  EXPECT_EQ(first_.receiver->frames.size(), 5U);
  EXPECT_FALSE(first_.receiver->closed.has_value());
}

TEST_P(OldClientTest, IsServedThroughRings) {
  make_segment();
  say(v1("hello_rings"), {segment_.get()});
  EXPECT_EQ(hear(), v1("hello_reply_rings"));
  ASSERT_TRUE(daemon_file_);
  const char* daemon = map(daemon_file_.get(), PROT_READ);
  ASSERT_NE(daemon, MAP_FAILED);
  EXPECT_EQ(std::string(daemon, 24), v1("segment_constants"));

  write_record(0, v1("record_ping"));
  write_record(64, v1("record_call_tool"));
  say(v1("doorbell"));
  ASSERT_EQ(first_.receiver->frames.size(), 3U);
  EXPECT_EQ(last_frame().payload, v1_payload("call_tool"));
  EXPECT_TRUE(first_.channel->begin_sending(3));
  EXPECT_EQ(std::string(daemon + 1024 + std::size_t{8} * 3, 8), v1("call_word_sending"));
  answer(*first_.channel, 3, v1_payload("call_tool_answer"));
  const std::string record = v1("record_call_answer");
  EXPECT_EQ(std::string(daemon + 4096, record.size()), record);

  const UniqueFd file = ring::make_file(
      {16, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL, "a mapped payload"});
  say(v1("memory"), {file.get()});
  write_record(256, v1("record_mapped_call"));
  say(v1("doorbell"));
  ASSERT_EQ(first_.receiver->frames.size(), 4U);
  EXPECT_EQ(last_frame().payload, "a mapped payload");

  const std::string revoked = v1("call_word_revoked");
  std::memcpy(base_ + 1024 + std::size_t{8} * 3, revoked.data(), 8);
  EXPECT_FALSE(first_.channel->begin_sending(3));
  EXPECT_FALSE(first_.receiver->closed.has_value());
  ::munmap(const_cast<char*>(daemon), 4096 + kRing);
  ::munmap(base_, 4096 + kRing);
}

/// HELLO of version 1 with other numbers in its fixed struct.
std::string changed_hello(const std::function<void(protocol::HelloRequest&)>& change) {
  std::string bytes = v1("hello_socket");
  auto hello = load_object<protocol::HelloRequest>(as_bytes(std::string_view(bytes).substr(32)));
  change(hello);
  std::memcpy(bytes.data() + 32, &hello, sizeof hello);
  return bytes;
}

TEST_P(OldClientTest, FieldsThatANewerClientAddsAreIgnored) {
  std::string bytes = v1("hello_socket");
  const std::string added(16, '\x7f');
  bytes.insert(32 + sizeof(protocol::HelloRequest), added);
  auto hello = load_object<protocol::HelloRequest>(as_bytes(std::string_view(bytes).substr(32)));
  hello.struct_bytes += 16;
  for (protocol::ByteRange* range :
       {&hello.config_path, &hello.working_directory, &hello.environment, &hello.client_name}) {
    range->offset += 16;
  }
  hello.version_max = 9;
  hello.features_optional |= std::uint64_t{1} << 63;
  std::memcpy(bytes.data() + 32, &hello, sizeof hello);
  const auto length = static_cast<std::uint32_t>(bytes.size() - 32);
  std::memcpy(bytes.data() + 16, &length, sizeof length);
  say(bytes);
  EXPECT_EQ(hear(), v1("hello_reply_socket"));
  ASSERT_EQ(first_.receiver->frames.size(), 1U);
  const protocol::PayloadReader reader(as_bytes(last_frame().payload));
  EXPECT_EQ(*reader.text(reader.fixed<protocol::HelloRequest>()->client_name), "mcpwire 0.1.0");
}

TEST_P(OldClientTest, AClientOfOtherVersionsIsToldWhichThereAre) {
  for (const auto& [min, max] : {std::pair{2U, 9U}, std::pair{0U, 0U}, std::pair{3U, 2U}}) {
    first_ = make_connected();
    say(changed_hello([&](protocol::HelloRequest& hello) {
      hello.version_min = min;
      hello.version_max = max;
    }));
    const std::string refusal = hear();
    ASSERT_GE(refusal.size(), 64U);
    EXPECT_NE(refusal.find("the daemon 1"), std::string::npos) << refusal.substr(64);
    EXPECT_EQ(load_object<std::uint32_t>(as_bytes(std::string_view(refusal).substr(36))), 1U);
    EXPECT_EQ(hear(), "");
    ASSERT_TRUE(first_.receiver->closed.has_value());
  }
}

TEST_P(OldClientTest, ARequiredFeatureThatIsUnknownIsRefusedNamingTheKnownOnes) {
  say(changed_hello(
      [](protocol::HelloRequest& hello) { hello.features_required = std::uint64_t{1} << 40; }));
  const std::string refusal = hear();
  EXPECT_NE(refusal.find("0x10000000000"), std::string::npos);
  EXPECT_NE(refusal.find("supported are 0x1f"), std::string::npos) << refusal.substr(64);
  EXPECT_EQ(load_object<std::uint64_t>(as_bytes(std::string_view(refusal).substr(48))),
            protocol::feature::kSupported);
  EXPECT_EQ(host_->violations(), 0U);
}

}  // namespace
}  // namespace mcpwire::io
