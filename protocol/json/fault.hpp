// SPDX-License-Identifier: MIT
//
// JsonFault: which rule a text broke. The Result of a reader carries only kind and code, so that
// refusing junk costs no allocation; this enum is for logs, tests and JSON-RPC error codes.
#pragma once

#include "protocol/base/error.hpp"

#include <cstdint>

namespace mcpwire::protocol::json {

enum class JsonFault : std::uint8_t {
  kNone = 0,
  // Not JSON.
  kEmpty,     ///< Nothing but whitespace.
  kTooLarge,  ///< Over kMessageBytesMax.
  kOutOfMemory,
  kEncoding,  ///< Not UTF-8.
  kUnclosedString,
  kControlCharacter,  ///< A raw control character inside a string.
  kGrammar,           ///< Wrong token for its place, or brackets that do not match.
  kScalar,            ///< A malformed number or literal: 01, tru.
  kEscape,            ///< A backslash that starts no valid escape.
  kDepth,             ///< More than kDepthMax containers inside each other.
  kTrailing,          ///< Text behind the first value.
  // JSON, but not an envelope.
  kBatch,  ///< An array: a JSON-RPC batch.
  kNotObject,
  kEscapedKey,    ///< A top-level key with a backslash: two parsers could read it differently.
  kDuplicateKey,  ///< A repeated envelope key, or a repeated field that was asked for.
  kVersion,       ///< "jsonrpc" is missing or not "2.0".
  kId,            ///< Neither string nor integer, or missing where it must be.
  kMethod,        ///< Not a string.
  kParams,        ///< Neither object nor array, or beside a result.
  kResponse,      ///< Not exactly one of method, result, error; or an error that is no object.
  kType,          ///< Another type than the one asked for.
};

/// Containers inside each other, the outermost included.
inline constexpr unsigned kDepthMax = 64;

/// e.g. "not UTF-8". Never empty.
const char* json_fault_text(JsonFault fault) noexcept;

/// True if the text was JSON and only the envelope rules refused it (JSON-RPC -32600, not -32700).
constexpr bool is_envelope_fault(JsonFault fault) noexcept {
  return fault >= JsonFault::kBatch && fault <= JsonFault::kResponse;
}

/// The error that stands for a fault: kMalformedJson of kind kInvalid, except a batch
/// (kUnsupported: a caller may split it), kTooLarge and kOutOfMemory. REQUIRES: not kNone.
Error json_error(JsonFault fault) noexcept;

}  // namespace mcpwire::protocol::json
