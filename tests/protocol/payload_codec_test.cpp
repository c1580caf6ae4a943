// SPDX-License-Identifier: MIT
#include "protocol/payload_codec.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::protocol {
namespace {

std::string call_payload() {
  PayloadBuilder<CallToolRequest> builder;
  builder.fixed.priority = 7;
  builder.fixed.server = builder.add("demo");
  builder.fixed.tool = builder.add("echo");
  builder.fixed.arguments = builder.add("{}");
  return builder.take();
}

/// `payload` with its struct_bytes set to `bytes`.
std::string with_struct_bytes(std::string payload, std::uint32_t bytes) {
  std::memcpy(payload.data(), &bytes, sizeof(bytes));
  return payload;
}

TEST(PayloadCodecTest, ReadsWhatItBuilt) {
  const std::string payload = call_payload();
  const PayloadReader reader(as_bytes(payload));
  const auto call = reader.fixed<CallToolRequest>();
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->struct_bytes, sizeof(CallToolRequest));
  EXPECT_EQ(call->priority, 7u);
  EXPECT_EQ(reader.text(call->server).value(), "demo");
  EXPECT_EQ(reader.text(call->tool).value(), "echo");
  EXPECT_EQ(reader.text(call->arguments).value(), "{}");
}

TEST(PayloadCodecTest, RefusesEveryPayloadShorterThanTheStruct) {
  const std::string payload = call_payload();
  for (std::size_t bytes = 0; bytes < sizeof(CallToolRequest); ++bytes) {
    const PayloadReader reader(as_bytes(std::string_view(payload).substr(0, bytes)));
    const auto call = reader.fixed<CallToolRequest>();
    ASSERT_FALSE(call.has_value()) << bytes;
    EXPECT_EQ(call.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(call.error().code, ErrorCode::kProtocolViolation);
  }
}

TEST(PayloadCodecTest, RefusesAStructThatClaimsMoreThanThePayload) {
  const std::string payload = call_payload();
  for (const std::uint32_t claim :
       {static_cast<std::uint32_t>(payload.size()) + 1, 0x8000'0000u, 0xffff'ffffu}) {
    const std::string claiming = with_struct_bytes(payload, claim);
    EXPECT_FALSE(PayloadReader(as_bytes(claiming)).fixed<CallToolRequest>().has_value()) << claim;
  }
}

TEST(PayloadCodecTest, RefusesAStructThatClaimsLessThanIsRequired) {
  for (const std::uint32_t claim :
       {0u, 3u, static_cast<std::uint32_t>(sizeof(CallToolRequest)) - 1}) {
    const std::string claiming = with_struct_bytes(call_payload(), claim);
    EXPECT_FALSE(PayloadReader(as_bytes(claiming)).fixed<CallToolRequest>().has_value()) << claim;
  }
}

TEST(PayloadCodecTest, ZeroFillsWhatAnOlderSenderLacks) {
  // An older CallToolRequest that ended before the ranges; its last seven bytes are reserved.
  const std::string old = with_struct_bytes(std::string(65, '\x7f') + std::string(7, '\0'), 72);
  const auto call = PayloadReader(as_bytes(old)).fixed<CallToolRequest, 72>();
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->priority, 0x7f7f7f7fu);
  EXPECT_EQ(call->server.bytes, 0u);
  EXPECT_EQ(call->arguments.offset, 0u);
}

TEST(PayloadCodecTest, IgnoresWhatANewerSenderAdds) {
  std::string newer = call_payload();
  newer.insert(sizeof(CallToolRequest), "newfield");
  newer = with_struct_bytes(newer, sizeof(CallToolRequest) + 8);
  const auto call = PayloadReader(as_bytes(newer)).fixed<CallToolRequest>();
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->priority, 7u);
}

TEST(PayloadCodecTest, RefusesRangesThatLeaveThePayload) {
  const std::string payload = call_payload();
  const PayloadReader reader(as_bytes(payload));
  const auto size = static_cast<std::uint32_t>(payload.size());
  EXPECT_TRUE(reader.text({size, 0}).has_value());
  EXPECT_TRUE(reader.text({0, size}).has_value());
  for (const ByteRange range : {ByteRange{size, 1}, ByteRange{size + 1, 0}, ByteRange{0, size + 1},
                                ByteRange{0xffff'ffff, 1}, ByteRange{1, 0xffff'ffff},
                                ByteRange{0xffff'ffff, 0xffff'ffff}}) {
    EXPECT_FALSE(reader.text(range).has_value()) << range.offset << '+' << range.bytes;
  }
}

std::string servers_payload(const std::vector<ServerEntry>& entries) {
  PayloadBuilder<ListServersReply> builder;
  builder.fixed.entry_bytes = sizeof(ServerEntry);
  builder.fixed.entries = builder.add_array(entries);
  return builder.take();
}

TEST(PayloadCodecTest, ReadsArraysBack) {
  const std::string payload = servers_payload({{.calls = 1}, {.calls = 2}, {.calls = 3}});
  const PayloadReader reader(as_bytes(payload));
  const auto reply = reader.fixed<ListServersReply>();
  ASSERT_TRUE(reply.has_value());
  const auto entries = reader.array<ServerEntry>(reply->entries, reply->entry_bytes);
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[2].calls, 3u);
}

TEST(PayloadCodecTest, ReadsArraysOfLargerAndSmallerEntries) {
  const std::string payload = servers_payload({{.calls = 1}, {.calls = 2}});
  const PayloadReader reader(as_bytes(payload));
  const auto reply = reader.fixed<ListServersReply>();
  ASSERT_TRUE(reply.has_value());
  // A newer sender's entries of 64 bytes: the known half of each is taken.
  EXPECT_EQ(reader.array<ServerEntry>(reply->entries, 64)->size(), 1u);
  // An older sender's of 16: what it lacks is zero.
  const auto old = reader.array<ServerEntry>(reply->entries, 16);
  ASSERT_EQ(old->size(), 4u);
  EXPECT_EQ(old->front().calls, 0u);
}

TEST(PayloadCodecTest, RefusesArraysThatAreNoMultipleOfTheirEntries) {
  const std::string payload = servers_payload({{.calls = 1}, {.calls = 2}});
  const PayloadReader reader(as_bytes(payload));
  const ByteRange range = reader.fixed<ListServersReply>()->entries;
  for (const std::uint32_t entry_bytes : {0u, 63u, 65u, 0xffff'ffffu}) {
    EXPECT_FALSE(reader.array<ServerEntry>(range, entry_bytes).has_value()) << entry_bytes;
  }
  EXPECT_FALSE(reader.array<ServerEntry>({range.offset, range.bytes + 32}, 32).has_value());
  EXPECT_TRUE(reader.array<ServerEntry>({range.offset, 0}, 0)->empty());
}

TEST(PayloadCodecTest, ErrorBodyCarriesKindCodeSentAndMessage) {
  const std::string payload =
      build_error_body(Error::from_errno(ErrorKind::kDisconnected, EPIPE, "write"), true);
  const auto body = parse_error_body(as_bytes(payload));
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->error.kind, ErrorKind::kDisconnected);
  EXPECT_EQ(body->error.code, ErrorCode::kSystemCall);
  EXPECT_EQ(body->error.message(), "write: Broken pipe");
  EXPECT_TRUE(body->may_have_been_sent);
}

TEST(PayloadCodecTest, RefusesErrorBodiesOfUnknownKindOrBadRange) {
  const std::string payload =
      build_error_body(Error::of(ErrorKind::kTimeout, ErrorCode::kClosed), false);
  EXPECT_FALSE(parse_error_body(as_bytes(payload))->may_have_been_sent);
  for (const char kind : {'\0', '\x0a', '\x7f'}) {
    std::string broken = payload;
    broken[offsetof(ErrorBody, error_kind)] = kind;
    EXPECT_FALSE(parse_error_body(as_bytes(broken)).has_value());
  }
  std::string broken = payload;
  broken[offsetof(ErrorBody, message) + 4] = '\x7f';
  EXPECT_FALSE(parse_error_body(as_bytes(broken)).has_value());
  EXPECT_FALSE(parse_error_body({}).has_value());
}

}  // namespace
}  // namespace mcpwire::protocol
