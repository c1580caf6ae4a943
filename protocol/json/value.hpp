// SPDX-License-Identifier: MIT
//
// ValueReader: validates one JSON value and reads the first level of an object or array as raw
// spans. What it is given need not be validated: every call holds the whole text to the full rules
// of EnvelopeParser's full mode (protocol/json/envelope.hpp), whatever its size, in the same pass.
//
// Threading: one reader per thread; its buffers are reused.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/json/detail/structural_index.hpp"
#include "protocol/json/fault.hpp"
#include "protocol/json/string_token.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::protocol::json {

enum class ValueKind : std::uint8_t { kObject, kArray, kString, kNumber, kBoolean, kNull };

/// The kind of a validated raw value, told by its first character. REQUIRES: !raw.empty().
ValueKind value_kind(std::string_view raw) noexcept;

/// One member of an object, as raw tokens: the key with its quotes and escapes.
struct Member {
  std::string_view key;
  std::string_view value;
};

class ValueReader {
 public:
  /// Errors of all functions: kInvalid/kMalformedJson (kTooLarge over kMessageBytesMax);
  /// last_fault() tells the rule, kType where the text is JSON of another kind than the function's.

  /// `json` is exactly one value, whitespace around it allowed. Takes no memory that grows with it.
  Result<ValueKind> validate(std::string_view json);

  /// Stores the raw value of each first-level field `names[i]` in `raw_values[i]`, empty where it
  /// is absent. Keys are compared after decoding. A requested field that occurs twice is an error.
  /// REQUIRES: names.size() == raw_values.size(). On failure raw_values are unspecified.
  Result<void> extract_fields(std::string_view object, std::span<const std::string_view> names,
                              std::span<std::string_view> raw_values);

  /// Calls `callback(raw)` for each element, in order, after the whole array was validated. The
  /// callback may use this reader.
  template <class Callback>
  Result<void> for_each_element(std::string_view array, Callback&& callback) {
    const std::vector<std::string_view> raw = TRY(elements(array));
    for (const std::string_view element : raw) callback(element);
    return {};
  }

  /// The members of an object, in order, repeated keys and all.
  Result<std::vector<Member>> members(std::string_view object);

  /// The raw elements of an array.
  Result<std::vector<std::string_view>> elements(std::string_view array);

  JsonFault last_fault() const noexcept { return fault_; }

 private:
  JsonFault check(std::string_view json);
  JsonFault read_fields(std::string_view object, std::span<const std::string_view> names,
                        std::span<std::string_view> raw_values);
  JsonFault read_members(std::string_view object, std::vector<Member>& members);
  JsonFault read_elements(std::string_view array, std::vector<std::string_view>& raw);
  JsonFault prepare(std::string_view json);
  Result<void> finish(JsonFault fault);

  detail::StructuralIndex index_;
  JsonFault fault_ = JsonFault::kNone;
};

}  // namespace mcpwire::protocol::json
