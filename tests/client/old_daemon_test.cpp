// SPDX-License-Identifier: MIT
//
// A daemon of version 1, which says its frozen bytes (tests/protocol/golden), against the link of
// today: it must be understood, and hear frozen bytes. And daemons that are newer.
#include "client/detail/requests.hpp"
#include "tests/client/raw_daemon.hpp"
#include "tests/protocol/golden/conversation.hpp"

#include <cstring>

namespace mcpwire::client::detail {
namespace {

using protocol::CallState;
using protocol::FrameKind;
using protocol::Method;
using protocol::golden::v1;
using protocol::golden::v1_payload;

class OldDaemonTest : public ::testing::Test {
 protected:
  void start(std::uint32_t ring_bytes) { daemon_ = std::make_unique<RawDaemon>(ring_bytes); }
  void say(const std::string& bytes, const std::vector<int>& fds = {}) const {
    ring::send_raw(daemon_->socket.get(), bytes, fds);
  }
  Result<void> open() {
    auto link = daemon_->open_link();
    if (!link) return fail(link.error());
    link_ = std::move(*link);
    return {};
  }
  /// The next frame of the client's, header included.
  std::string hear() const {
    const auto frame = daemon_->receive();
    if (!frame) return {};
    return std::string(as_text(object_bytes(frame->header))) + frame->payload;
  }
  void send(FrameKind kind, Method method, std::uint64_t correlation, const std::string& payload) {
    ASSERT_TRUE(link_->send(sink_, protocol::make_header(kind, method), correlation,
                            as_bytes(payload), kNever));
  }
  void pump() { ASSERT_EQ(link_->pump(sink_, kNever), Link::PumpEnd::kProgress); }

  std::unique_ptr<RawDaemon> daemon_;
  std::unique_ptr<Link> link_;
  RecordingSink sink_;
};

TEST_F(OldDaemonTest, IsUnderstoodOnTheSocket) {
  start(0);
  say(v1("hello_reply_socket"));
  ASSERT_TRUE(open());
  EXPECT_EQ(link_->agreement().daemon_instance, 0x1122'3344'5566'7788U);
  EXPECT_EQ(link_->agreement().daemon_version, "0.1.0");
  const std::string hello = hear();
  // What the header of a hello frame says stays for ever, or no refusal could be read.
  EXPECT_EQ(hello.substr(0, 16), v1("hello_socket").substr(0, 16));

  send(FrameKind::kRequest, Method::kPing, 2, {});
  EXPECT_EQ(hear(), v1("ping"));
  say(v1("ping_answer"));
  pump();
  CallRequest request{.server = "demo",
                      .tool = "echo",
                      .arguments_json = R"({"message":"x"})",
                      .priority = 1,
                      .idempotency_key = {5, 6},
                      .fairness_key = 7,
                      .trace_flags = 1};
  for (std::uint8_t i = 0; i < 16; ++i) request.trace_id[i] = i;
  for (std::uint8_t i = 0; i < 8; ++i) request.parent_span_id[i] = i;
  send(FrameKind::kRequest, Method::kCallTool, 3, encode_call(request));
  EXPECT_EQ(hear(), v1("call_tool"));
  say(v1("progress"));
  pump();
  say(v1("intent"));
  say(v1("call_tool_answer"));
  pump();
  EXPECT_EQ(sink_.messages.back().payload, v1_payload("call_tool_answer"));
  say(v1("call_tool_rejected"));
  pump();
  const CallReply rejected =
      decode_reply(protocol::outcome_of(sink_.messages.back().header.request.flags),
                   sink_.messages.back().payload);
  EXPECT_EQ(rejected.outcome, protocol::Outcome::kRejected);
  EXPECT_EQ(rejected.error.code, ErrorCode::kUnknownTool);
  const protocol::CancelEvent cancel{sizeof cancel, 0, 3};
  send(FrameKind::kEvent, Method::kCancel, 0, std::string(as_text(object_bytes(cancel))));
  EXPECT_EQ(hear(), v1("cancel"));
  send(FrameKind::kRequest, Method::kStatus, 4, {});
  EXPECT_EQ(hear(), v1("status"));
  say(v1("status_answer"));
  pump();
  const auto status = decode_status(as_bytes(sink_.messages.back().payload));
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->process_id, 4711);
  EXPECT_EQ(status->runtime_directory, "/run/mcpwire");
}

TEST_F(OldDaemonTest, ItsIntentIsBelieved) {
  start(0);
  say(v1("hello_reply_socket"));
  ASSERT_TRUE(open());
  say(v1("intent"));
  EXPECT_EQ(link_->revoke(sink_, 3), CallState::kSending);
}

TEST_F(OldDaemonTest, IsUnderstoodThroughRings) {
  start(4096);
  std::memcpy(static_cast<void*>(daemon_->own->memory().page), v1("segment_constants").data(), 24);
  say(v1("hello_reply_rings"), {daemon_->segment_fd()});
  ASSERT_TRUE(open());
  daemon_->attach();
  send(FrameKind::kRequest, Method::kPing, 2, {});
  send(FrameKind::kRequest, Method::kCallTool, 3, v1_payload("call_tool"));
  const auto* client_ring = daemon_->peer->memory().ring;
  const std::string ping = v1("record_ping");
  const std::string call = v1("record_call_tool");
  EXPECT_EQ(as_text({client_ring, ping.size()}), ping);
  EXPECT_EQ(as_text({client_ring + 64, call.size()}), call);

  const std::string answer = v1("record_call_answer");
  std::memcpy(daemon_->own->memory().ring, answer.data(), answer.size());
  pump();
  EXPECT_EQ(sink_.messages.back().payload, v1_payload("call_tool_answer"));
  std::memcpy(&daemon_->own->memory().page->call_words[3], v1("call_word_sending").data(), 8);
  EXPECT_EQ(link_->revoke(sink_, 3), CallState::kSending);
  const std::string revoked(
      as_text({daemon_->peer->memory().ring - 4096 + 1024 + std::size_t{8} * 3, 8}));
  EXPECT_EQ(revoked, v1("call_word_revoked"));
}

TEST_F(OldDaemonTest, ItsRefusalIsTold) {
  start(0);
  say(v1("refusal"));
  const auto opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kVersionMismatch);
  EXPECT_NE(opened.error().message().find("too old"), std::string::npos);
  EXPECT_NE(opened.error().message().find("1 to 1"), std::string::npos);
}

TEST_F(OldDaemonTest, FieldsThatANewerDaemonAddsAreIgnored) {
  start(0);
  std::string bytes = v1("hello_reply_socket");
  bytes.insert(32 + sizeof(protocol::HelloReply), std::string(8, '\x7f'));
  auto reply = load_object<protocol::HelloReply>(as_bytes(std::string_view(bytes).substr(32)));
  reply.struct_bytes += 8;
  reply.daemon_version.offset += 8;
  reply.features |= std::uint64_t{1} << 63;
  std::memcpy(bytes.data() + 32, &reply, sizeof reply);
  const auto length = static_cast<std::uint32_t>(bytes.size() - 32);
  std::memcpy(bytes.data() + 16, &length, sizeof length);
  say(bytes);
  ASSERT_TRUE(open());
  EXPECT_EQ(link_->agreement().daemon_version, "0.1.0");
}

TEST_F(OldDaemonTest, AnAnswerInAVersionThatWasNotOfferedIsRefused) {
  start(0);
  std::string bytes = v1("hello_reply_socket");
  bytes[36] = 2;
  say(bytes);
  const auto opened = open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kVersionMismatch);
}

}  // namespace
}  // namespace mcpwire::client::detail
