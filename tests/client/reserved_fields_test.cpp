// SPDX-License-Identifier: MIT
//
// Reserved fields of what a daemon says, bit by bit: none of it is believed (FRAME.md, section 10).
#include "client/detail/hello.hpp"
#include "client/detail/requests.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/rpc_params.hpp"
#include "tests/protocol/reserved_bits.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::client::detail {
namespace {

using protocol::Outcome;
using protocol::with_each_reserved_bit;

/// A payload of this struct that decodes, and none with a reserved bit does.
template <class Struct, class Decode>
void expect_unread(Decode decode) {
  const std::string good = protocol::PayloadBuilder<Struct>().take();
  EXPECT_TRUE(decode(as_bytes(good)).has_value());
  for (const std::string& payload : with_each_reserved_bit<Struct>(good)) {
    const auto decoded = decode(as_bytes(payload));
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().code, ErrorCode::kProtocolViolation);
  }
}

TEST(ClientReservedFieldsTest, OfAQuestionANotificationAndAListOfTools) {
  expect_unread<protocol::ServerRequestEvent>(decode_question);
  expect_unread<protocol::NotificationEvent>(decode_notification);
  expect_unread<protocol::ListToolsReply>(decode_tools);
}

TEST(ClientReservedFieldsTest, OfAnErrorWhichThenSaysNothingAboutTheCall) {
  const std::string good =
      protocol::build_error_body(Error::of(ErrorKind::kOverloaded, ErrorCode::kQueueFull), false);
  EXPECT_FALSE(decode_reply(Outcome::kNotSent, Body(good)).may_have_been_sent);
  for (const std::string& payload : with_each_reserved_bit<protocol::ErrorBody>(good)) {
    const CallReply reply = decode_reply(Outcome::kNotSent, Body(payload));
    EXPECT_EQ(reply.outcome, Outcome::kUnknown);
    EXPECT_TRUE(reply.may_have_been_sent);
  }
}

TEST(ClientReservedFieldsTest, OfARefusalWhichIsStillARefusal) {
  protocol::PayloadBuilder<protocol::HelloRefusal> builder;
  builder.fixed.message = builder.add("words");
  const std::string good = builder.take();
  EXPECT_NE(refusal_error(as_bytes(good)).message().find("words"), std::string::npos);
  for (const std::string& payload : with_each_reserved_bit<protocol::HelloRefusal>(good)) {
    EXPECT_EQ(refusal_error(as_bytes(payload)).message().find("words"), std::string::npos);
  }
}

}  // namespace
}  // namespace mcpwire::client::detail
