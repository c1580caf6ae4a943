// SPDX-License-Identifier: MIT
//
// EnvelopeParser: the JSON-RPC 2.0 envelope of one line, as raw spans of that line. Ids, params,
// results and errors pass through mcpwire as the bytes they came as; only what routing needs is
// read.
//
// Every line up to kFullValidationBytesMax is held to (full mode):
//   - UTF-8, the JSON grammar, at most kDepthMax containers inside each other, well-formed numbers
//     and literals, strings without raw control characters and with valid escapes, nothing behind
//     the value. An escaped lone surrogate (\ud800) is accepted: servers send them, and we forward.
//   - One object with "jsonrpc":"2.0"; no top-level key with a backslash; none of jsonrpc, id,
//     method, params, result, error twice. Other top-level keys are ignored.
//   - Either a method (a string), with params absent, object or array; or exactly one of result
//     (any value) and error (an object). id is a string or an integer; a result needs one, an error
//     may lack it or have null.
// A longer line (span mode) is held to the same, except that inside the values of params, result,
// error and unknown keys only UTF-8, raw control characters and matching brackets are checked: not
// commas, colons, numbers, literals or escapes.
//
// A byte order mark before the line is skipped.
//
// Threading: one parser per thread; it is cheap to keep and costly to make.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/json/detail/structural_index.hpp"
#include "protocol/json/fault.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::protocol::json {

enum class MessageKind : std::uint8_t { kRequest, kNotification, kResult, kError };

/// Spans point into the parsed line; `method` may point into the parser (see parse()).
struct Envelope {
  MessageKind kind = MessageKind::kNotification;
  std::string_view id;      ///< Raw token, a string's quotes included; empty if absent or null.
  std::string_view method;  ///< Without quotes, escapes resolved.
  std::string_view params;  ///< Raw; empty if absent.
  std::string_view result;  ///< Raw; empty unless kResult.
  std::string_view error;   ///< Raw; empty unless kError.
};

class EnvelopeParser {
 public:
  static constexpr std::size_t kFullValidationBytesMax = detail::StructuralIndex::kKeptBytesMax;

  /// Reads one message. `line` need not be padded or end in a newline; nothing behind it is read.
  /// A method written with escapes is decoded into the parser and valid until the next parse().
  ///
  /// Errors: kInvalid/kMalformedJson; a batch (array) is kUnsupported/kMalformedJson, so that a
  /// caller may split it (ValueReader::for_each_element); kInvalid/kTooLarge over kMessageBytesMax.
  /// last_fault() tells which rule was broken.
  Result<Envelope> parse(std::string_view line);

  JsonFault last_fault() const noexcept { return fault_; }

 private:
  JsonFault read(std::string_view line, Envelope& envelope);
  JsonFault read_method(std::string_view token, Envelope& envelope);

  detail::StructuralIndex index_;
  std::string method_;
  JsonFault fault_ = JsonFault::kNone;
};

}  // namespace mcpwire::protocol::json
