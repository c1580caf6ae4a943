// SPDX-License-Identifier: MIT
//
// The wire, frozen: every fixed struct with distinguishable values and the bytes it must have.
// A failing case here means that two builds can no longer talk to each other; see
// protocol/FRAME.md on how the wire may change.
#include "protocol/params.hpp"
#include "protocol/payload.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/request_header.hpp"
#include "tests/protocol/golden/hex_of.hpp"

#include <gmock/gmock.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::protocol {
namespace {

using golden::fill_upwards;
using golden::hex_of;

TEST(GoldenTest, RequestHeaderOfAnAnsweredCall) {
  RequestHeader header = make_header(FrameKind::kResponse, Method::kCallTool, Outcome::kOk);
  header.payload_len = 0x12345678;
  EXPECT_EQ(hex_of(header), "4d43505701000000020100000500000078563412");
}

TEST(GoldenTest, FrameHeaderWithCommitWordAndCorrelation) {
  FrameHeader header{make_header(FrameKind::kRequest, Method::kCallTool), 0x01020304, 7};
  header.request.payload_len = 11;
  EXPECT_EQ(hex_of(header), "4d4350570100000001000000050000000b000000040302010700000000000000");
}

TEST(GoldenTest, MappedDescriptor) {
  const MappedDescriptor value{0x01020304, 0x05060708, 0x1112131415161718, 0x2122232425262728};
  EXPECT_EQ(hex_of(value), "040302010807060518171615141312112827262524232221");
}

TEST(GoldenTest, HelloRequest) {
  const HelloRequest value{.struct_bytes = 112,
                           .version_min = 1,
                           .version_max = 2,
                           .ring_bytes = 0x10000,
                           .features_required = 3,
                           .features_optional = 4,
                           .config_device = 5,
                           .config_inode = 6,
                           .config_bytes = 7,
                           .config_modified_ns = -8,
                           .config_changed_ns = 9,
                           .config_origin = ConfigOrigin::kDiscovered,
                           .reserved = 0,
                           .config_path = {112, 1},
                           .working_directory = {113, 2},
                           .environment = {115, 3},
                           .client_name = {118, 4}};
  EXPECT_EQ(hex_of(value),
            "7000000001000000020000000000010003000000000000000400000000000000"
            "050000000000000006000000000000000700000000000000f8ffffffffffffff"
            "0900000000000000020000000000000070000000010000007100000002000000"
            "73000000030000007600000004000000");
}

TEST(GoldenTest, HelloReply) {
  const HelloReply value{.struct_bytes = 40,
                         .version = 1,
                         .features = 3,
                         .daemon_instance = 0x1112131415161718,
                         .daemon_pid = 1234,
                         .ring_bytes = 0x10000,
                         .daemon_version = {40, 5}};
  EXPECT_EQ(hex_of(value),
            "280000000100000003000000000000001817161514131211d204000000000100"
            "2800000005000000");
}

TEST(GoldenTest, HelloRefusal) {
  const HelloRefusal value{.struct_bytes = 40,
                           .version_min = 1,
                           .version_max = 2,
                           .reserved = 0,
                           .features_supported = 3,
                           .message = {40, 6},
                           .error_kind = 2,
                           .error_code = 28};
  EXPECT_EQ(hex_of(value),
            "2800000001000000020000000000000003000000000000002800000006000000"
            "020000001c000000");
}

TEST(GoldenTest, ListServersReply) {
  const ListServersReply value{.struct_bytes = 16, .entry_bytes = 32, .entries = {16, 64}};
  EXPECT_EQ(hex_of(value), "10000000200000001000000040000000");
}

TEST(GoldenTest, ServerEntry) {
  const ServerEntry value{.name = {80, 4},
                          .detail = {84, 5},
                          .state = ServerState::kFailed,
                          .process_id = -1,
                          .calls = 9};
  EXPECT_EQ(hex_of(value), "5000000004000000540000000500000003000000ffffffff0900000000000000");
}

TEST(GoldenTest, ListToolsRequest) {
  const ListToolsRequest value{
      .struct_bytes = 24, .concurrency = 5, .deadline_ns = 0x1112131415161718, .server = {24, 4}};
  EXPECT_EQ(hex_of(value), "180000000500000018171615141312111800000004000000");
}

TEST(GoldenTest, ListToolsReply) {
  const ListToolsReply value{.struct_bytes = 32,
                             .success_bytes = 24,
                             .failure_bytes = 32,
                             .reserved = 0,
                             .successes = {32, 24},
                             .failures = {56, 32}};
  EXPECT_EQ(hex_of(value), "2000000018000000200000000000000020000000180000003800000020000000");
}

TEST(GoldenTest, ToolsEntry) {
  const ToolsEntry value{.server = {88, 4}, .tools = {92, 2}, .duration_ns = 0x1112131415161718};
  EXPECT_EQ(hex_of(value), "58000000040000005c000000020000001817161514131211");
}

TEST(GoldenTest, FailureEntry) {
  const FailureEntry value{.server = {94, 4},
                           .message = {98, 7},
                           .error_kind = 8,
                           .error_code = 25,
                           .duration_ns = 0x1112131415161718};
  EXPECT_EQ(hex_of(value), "5e00000004000000620000000700000008000000190000001817161514131211");
}

TEST(GoldenTest, CallToolRequest) {
  CallToolRequest value{.struct_bytes = 112,
                        .priority = 7,
                        .deadline_ns = 0x1112131415161718,
                        .idempotency_key = {0x2122232425262728, 0x3132333435363738},
                        .fairness_key = 0x4142434445464748,
                        .trace_id = {},
                        .parent_span_id = {},
                        .trace_flags = 1,
                        .reserved = {},
                        .server = {112, 4},
                        .tool = {116, 4},
                        .arguments = {120, 15},
                        .abilities = 0x7172737475767778,
                        .meta = {135, 2}};
  fill_upwards(value.trace_id, 0x50);
  fill_upwards(value.parent_span_id, 0x60);
  EXPECT_EQ(hex_of(value),
            "7000000007000000181716151413121128272625242322213837363534333231"
            "4847464544434241505152535455565758595a5b5c5d5e5f6061626364656667"
            "010000000000000070000000040000007400000004000000780000000f000000"
            "78777675747372718700000002000000");
}

TEST(GoldenTest, ErrorBody) {
  const ErrorBody value{.struct_bytes = 32,
                        .error_kind = 3,
                        .error_code = 18,
                        .os_errno = -32,
                        .sent = 1,
                        .reserved = 0,
                        .message = {32, 12}};
  EXPECT_EQ(hex_of(value), "200000000300000012000000e0ffffff0100000000000000200000000c000000");
}

TEST(GoldenTest, CancelEvent) {
  const CancelEvent value{.struct_bytes = 16, .reserved = 0, .correlation = 0x11121314151617};
  EXPECT_EQ(hex_of(value), "10000000000000001716151413121100");
}

TEST(GoldenTest, IntentEvent) {
  const IntentEvent value{.struct_bytes = 16, .call_state = 2, .correlation = 0x11121314151617};
  EXPECT_EQ(hex_of(value), "10000000020000001716151413121100");
}

TEST(GoldenTest, MemoryEvent) {
  const MemoryEvent value{
      .struct_bytes = 24, .slab = 3, .generation = 4, .life = MemoryLife::kOnce, .bytes = 0x100000};
  EXPECT_EQ(hex_of(value), "180000000300000004000000000000000000100000000000");
  const MemoryEvent slab{.struct_bytes = 24,
                         .slab = 3,
                         .generation = 1,
                         .life = MemoryLife::kStays,
                         .bytes = 0x100000};
  EXPECT_EQ(hex_of(slab), "180000000300000001000000010000000000100000000000");
}

TEST(GoldenTest, SlabEvent) {
  const SlabEvent value{.struct_bytes = 16, .slab = 3, .generation = 4, .reserved = 0};
  EXPECT_EQ(hex_of(value), "10000000030000000400000000000000");
}

TEST(GoldenTest, ProgressEvent) {
  const ProgressEvent value{.struct_bytes = 16, .reserved = 0, .params = {16, 20}};
  EXPECT_EQ(hex_of(value), "10000000000000001000000014000000");
}

TEST(GoldenTest, RingsOffer) {
  const RingsOffer value{.struct_bytes = 8, .ring_bytes = 0x10000};
  EXPECT_EQ(hex_of(value), "0800000000000100");
}

TEST(GoldenTest, StatusReply) {
  const StatusReply value{.struct_bytes = 144,
                          .daemon_pid = 1234,
                          .uptime_ns = 5,
                          .calls = 6,
                          .clients = 7,
                          .servers = 8,
                          .violations = 9,
                          .kernel_features = 10,
                          .shards = 2,
                          .daemon_version = {120, 5},
                          .runtime_directory = {125, 12},
                          .large = {1, 2, 3, 4, 5, 6, 7},
                          .refusals = 8,
                          .io_backend = {137, 5},
                          .warning = {142, 3}};
  // What a daemon sends that knows no loops.
  const std::string frozen =
      "90000000d2040000050000000000000006000000000000000700000008000000"
      "09000000000000000a0000000200000078000000050000007d0000000c000000"
      "0100000000000000020000000000000003000000000000000400000000000000"
      "0500000000000000060000000000000007000000000000000800000000000000"
      "89000000050000008e00000003000000";
  EXPECT_EQ(hex_of(value), frozen + std::string(32, '0'));
  PayloadBuilder<StatusReply> builder(offsetof(StatusReply, loops));
  builder.fixed = value;
  const std::string payload = builder.take();
  ASSERT_EQ(payload.size(), 144U);
  EXPECT_EQ(hex_of(as_bytes(payload)), frozen);
  const auto read =
      PayloadReader(as_bytes(payload)).fixed<StatusReply, offsetof(StatusReply, loops)>();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->warning.offset, 142U);
  EXPECT_EQ(read->loops.bytes, 0U);
}

TEST(GoldenTest, StatusReplyWithLoops) {
  const StatusReply value{
      .struct_bytes = 160, .loops = {160, 40}, .loop_bytes = 40, .lag_bucket_bytes = 16};
  EXPECT_EQ(hex_of(value).substr(288), "a0000000280000002800000010000000");
  const LoopEntry loop{
      .turns = 1, .system_calls = 2, .calls = 3, .lag_max_ns = 4, .lag = {200, 16}};
  EXPECT_EQ(hex_of(loop),
            "0100000000000000020000000000000003000000000000000400000000000000"
            "c800000010000000");
  EXPECT_EQ(hex_of(LagBucket{.largest_ns = 5, .count = 6}), "05000000000000000600000000000000");
}

// The example of FRAME.md section 4.
TEST(GoldenTest, WorkedExampleOfACall) {
  PayloadBuilder<CallToolRequest> builder(offsetof(CallToolRequest, abilities));
  builder.fixed.server = builder.add("demo");
  builder.fixed.tool = builder.add("echo");
  builder.fixed.arguments = builder.add("{\"message\":\"x\"}");
  const std::string payload = builder.take();
  FrameHeader header{make_header(FrameKind::kRequest, Method::kCallTool), 0, 7};
  header.request.payload_len = static_cast<std::uint32_t>(payload.size());
  EXPECT_EQ(hex_of(header) + hex_of(as_bytes(payload)),
            "4d43505701000000010000000500000077000000000000000700000000000000"
            "6000000000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000060000000040000006400000004000000680000000f000000"
            "64656d6f6563686f7b226d657373616765223a2278227d");
}

}  // namespace
}  // namespace mcpwire::protocol
