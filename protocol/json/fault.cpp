// SPDX-License-Identifier: MIT
#include "protocol/json/fault.hpp"

#include "protocol/base/check.hpp"

#include <array>
#include <cstddef>

namespace mcpwire::protocol::json {
namespace {

constexpr std::array kFaultTexts = {
    "no fault",
    "empty text",
    "over the size limit",
    "out of memory",
    "not UTF-8",
    "unclosed string",
    "raw control character in a string",
    "syntax error",
    "malformed number or literal",
    "invalid escape",
    "nested too deeply",
    "text behind the value",
    "a batch",
    "not an object",
    "escaped top-level key",
    "duplicate key",
    "jsonrpc is not \"2.0\"",
    "invalid id",
    "invalid method",
    "invalid params",
    "neither request nor response",
    "wrong type",
};
static_assert(kFaultTexts.size() == static_cast<std::size_t>(JsonFault::kType) + 1);

}  // namespace

const char* json_fault_text(JsonFault fault) noexcept {
  const auto index = static_cast<std::size_t>(fault);
  return index < kFaultTexts.size() ? kFaultTexts[index] : "unknown fault";
}

Error json_error(JsonFault fault) noexcept {
  MCPWIRE_CHECK(fault != JsonFault::kNone);
  switch (fault) {
    case JsonFault::kBatch:
      return Error::of(ErrorKind::kUnsupported, ErrorCode::kMalformedJson);
    case JsonFault::kTooLarge:
      return Error::of(ErrorKind::kInvalid, ErrorCode::kTooLarge);
    case JsonFault::kOutOfMemory:
      return Error::of(ErrorKind::kOverloaded, ErrorCode::kOutOfMemory);
    default:
      return Error::of(ErrorKind::kInvalid, ErrorCode::kMalformedJson);
  }
}

}  // namespace mcpwire::protocol::json
