// SPDX-License-Identifier: MIT
//
// What the tests of the envelope parser share.
#pragma once

#include "protocol/json/envelope.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mcpwire::protocol::json {

/// The rule that `line` breaks.
inline JsonFault fault_of(std::string_view line) {
  EnvelopeParser parser;
  const Result<Envelope> envelope = parser.parse(line);
  EXPECT_EQ(envelope.has_value(), parser.last_fault() == JsonFault::kNone) << line;
  if (!envelope) {
    EXPECT_NE(envelope.error().kind, ErrorKind::kInternal) << line;
  }
  return parser.last_fault();
}

inline Envelope parsed(EnvelopeParser& parser, std::string_view line) {
  Result<Envelope> envelope = parser.parse(line);
  EXPECT_TRUE(envelope.has_value()) << line << ": " << json_fault_text(parser.last_fault());
  return envelope ? *envelope : Envelope{};
}

inline std::string with_result(std::string_view value) {
  return R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(value) + "}";
}

}  // namespace mcpwire::protocol::json
