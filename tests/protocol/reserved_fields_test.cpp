// SPDX-License-Identifier: MIT
//
// Reserved fields (FRAME.md, section 10): whoever reads a struct reads it by PayloadReader, which
// refuses every single bit of them. That the structs here are all there are is checked as well.
#include "protocol/params.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/request_header.hpp"
#include "protocol/rpc_params.hpp"
#include "tests/protocol/reserved_bits.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <type_traits>

namespace mcpwire::protocol {
namespace {

template <class Struct>
class ReservedFieldTest : public ::testing::Test {};

using StructsWithReserved =
    ::testing::Types<HelloRequest, HelloRefusal, ListToolsReply, CallToolRequest, ErrorBody,
                     CancelEvent, SlabEvent, ProgressEvent, RpcRequest, ServerRequestEvent,
                     NotificationEvent>;
constexpr std::size_t kStructsWithReserved = 11;
TYPED_TEST_SUITE(ReservedFieldTest, StructsWithReserved);

TYPED_TEST(ReservedFieldTest, EachBitIsRefused) {
  std::string payload(sizeof(TypeParam), '\0');
  const auto struct_bytes = static_cast<std::uint32_t>(sizeof(TypeParam));
  std::memcpy(payload.data(), &struct_bytes, sizeof struct_bytes);
  ASSERT_TRUE(PayloadReader(as_bytes(payload)).fixed<TypeParam>().has_value());
  for (const std::string& spoilt : with_each_reserved_bit<TypeParam>(payload)) {
    const auto read = PayloadReader(as_bytes(spoilt)).fixed<TypeParam>();
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(read.error().code, ErrorCode::kProtocolViolation);
    EXPECT_EQ(read.error().message(), "reserved field in use");
  }
}

TYPED_TEST(ReservedFieldTest, WhatBelongsToOtherFieldsIsNot) {
  std::string payload(sizeof(TypeParam), '\xff');
  const auto struct_bytes = static_cast<std::uint32_t>(sizeof(TypeParam));
  std::memcpy(payload.data(), &struct_bytes, sizeof struct_bytes);
  constexpr std::size_t kBegin = offsetof(TypeParam, reserved);
  payload.replace(kBegin, sizeof(TypeParam::reserved), sizeof(TypeParam::reserved), '\0');
  EXPECT_TRUE(PayloadReader(as_bytes(payload)).fixed<TypeParam>().has_value());
}

TEST(ReservedFieldsTest, NoneIsForgottenHere) {
  std::size_t found = 0;
  for (const char* header : {"params.hpp", "rpc_params.hpp"}) {
    std::ifstream file(std::string(MCPWIRE_PROTOCOL_FOLDER "/") + header);
    ASSERT_TRUE(file.is_open()) << header;
    for (std::string line; std::getline(file, line);) {
      if (line.find(" reserved;") != std::string::npos) ++found;
    }
  }
  EXPECT_EQ(found, kStructsWithReserved);
}

TEST(ReservedFieldsTest, OfTheHeaderTooEachBitIsRefused) {
  const RequestHeader good = make_header(FrameKind::kRequest, Method::kPing);
  for (unsigned bit = 0; bit < 32; ++bit) {
    const std::uint32_t mask = 1u << bit;
    if ((mask & flag::kDefined) != 0) continue;
    RequestHeader header = good;
    header.flags |= mask;
    EXPECT_EQ(check_header(header, 1024), HeaderFault::kReservedBits) << bit;
  }
}

}  // namespace
}  // namespace mcpwire::protocol
