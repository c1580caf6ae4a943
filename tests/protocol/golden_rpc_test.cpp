// SPDX-License-Identifier: MIT
//
// The structs of protocol/rpc_params.hpp, frozen; see golden_test.cpp.
#include "protocol/rpc_params.hpp"
#include "tests/protocol/golden/hex_of.hpp"

#include <gmock/gmock.h>

namespace mcpwire::protocol {
namespace {

using golden::fill_upwards;
using golden::hex_of;

TEST(GoldenRpcTest, RpcRequest) {
  RpcRequest value{.struct_bytes = 88,
                   .pages = Pages::kAll,
                   .deadline_ns = 0x1112131415161718,
                   .abilities = 0x2122232425262728,
                   .trace_id = {},
                   .parent_span_id = {},
                   .trace_flags = 1,
                   .reserved = {},
                   .server = {88, 4},
                   .method = {92, 14},
                   .params = {106, 2},
                   .meta = {108, 3}};
  fill_upwards(value.trace_id, 0x50);
  fill_upwards(value.parent_span_id, 0x60);
  EXPECT_EQ(hex_of(value),
            "580000000100000018171615141312112827262524232221"
            "505152535455565758595a5b5c5d5e5f60616263646566670100000000000000"
            "58000000040000005c0000000e0000006a000000020000006c00000003000000");
}

TEST(GoldenRpcTest, ServerRequestEvent) {
  const ServerRequestEvent value{.struct_bytes = 40,
                                 .reserved = 0,
                                 .correlation = 0x11121314151617,
                                 .key = 0x2122232425262728,
                                 .method = {40, 18},
                                 .params = {58, 2}};
  EXPECT_EQ(hex_of(value),
            "280000000000000017161514131211002827262524232221"
            "28000000120000003a00000002000000");
}

TEST(GoldenRpcTest, ServerAnswerEvent) {
  const ServerAnswerEvent value{.struct_bytes = 32,
                                .kind = ServerAnswerKind::kRefused,
                                .correlation = 0x11121314151617,
                                .key = 0x2122232425262728,
                                .result = {32, 2}};
  EXPECT_EQ(hex_of(value), "2000000001000000171615141312110028272625242322212000000002000000");
}

TEST(GoldenRpcTest, NotificationEvent) {
  const NotificationEvent value{.struct_bytes = 40,
                                .reserved = 0,
                                .correlation = 0x11121314151617,
                                .server = {40, 4},
                                .method = {44, 32},
                                .params = {76, 2}};
  EXPECT_EQ(hex_of(value),
            "28000000000000001716151413121100"
            "28000000040000002c000000200000004c00000002000000");
}

}  // namespace
}  // namespace mcpwire::protocol
