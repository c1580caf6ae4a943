// SPDX-License-Identifier: MIT
//
// Feeds any bytes to the envelope parser, the value reader, the string decoder and the writer, and
// holds every verdict and span to what nlohmann-json says of the same bytes.
#include "protocol/base/check.hpp"
#include "protocol/json/envelope.hpp"
#include "protocol/json/value.hpp"
#include "protocol/json/writer.hpp"
#include "tests/protocol/json_oracle.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

using mcpwire::protocol::json::EnvelopeParser;
using mcpwire::protocol::json::MessageKind;
using mcpwire::protocol::json::ValueReader;
using mcpwire::protocol::json::Writer;
namespace json = mcpwire::protocol::json;

/// The same value for the second parser: what it would refuse on purpose is made harmless first.
nlohmann::json oracle_value(std::string_view text) {
  return nlohmann::json::parse(json::test::harmless(text));
}

void check_span(const nlohmann::json& document, const char* key, std::string_view raw) {
  const auto found = document.find(key);
  const bool is_absent = found == document.end() || found->is_null();
  if (raw.empty()) {
    MCPWIRE_CHECK(is_absent);
    return;
  }
  MCPWIRE_CHECK(found != document.end());
  MCPWIRE_CHECK(oracle_value(raw) == *found);
}

void fuzz_envelope(std::string_view text) {
  static EnvelopeParser parser;
  const auto envelope = parser.parse(text);
  MCPWIRE_CHECK(envelope.has_value() == (parser.last_fault() == json::JsonFault::kNone));
  if (!envelope || !json::test::oracle_accepts(text).has_value()) return;
  const nlohmann::json document = oracle_value(text);
  MCPWIRE_CHECK(document.is_object());
  check_span(document, "id", envelope->id);
  check_span(document, "params", envelope->params);
  check_span(document, "error", envelope->error);
  const bool is_result = envelope->kind == MessageKind::kResult;
  MCPWIRE_CHECK(is_result == document.contains("result"));
  if (is_result) MCPWIRE_CHECK(oracle_value(envelope->result) == document["result"]);
  MCPWIRE_CHECK(envelope->method.empty() || document.contains("method"));
}

void fuzz_value(std::string_view text) {
  static ValueReader reader;
  const bool is_valid = reader.validate(text).has_value();
  const std::optional<bool> verdict = json::test::oracle_accepts(text);
  if (verdict && json::test::depth_of(text) <= json::kDepthMax) MCPWIRE_CHECK(is_valid == *verdict);
  if (is_valid && verdict) MCPWIRE_CHECK(*verdict);

  const std::array<std::string_view, 2> names = {"a", "params"};
  std::array<std::string_view, 2> raw;
  const bool has_fields = reader.extract_fields(text, names, raw).has_value();
  MCPWIRE_CHECK(is_valid || !has_fields);
  const bool has_elements =
      reader
          .for_each_element(
              text, [](std::string_view element) { MCPWIRE_CHECK(reader.validate(element)); })
          .has_value();
  MCPWIRE_CHECK(is_valid || !has_elements);
  if (!is_valid) return;

  std::string line;
  Writer(line).raw(text);
  MCPWIRE_CHECK(line.find_first_of("\r\n") == line.npos);
  MCPWIRE_CHECK(reader.validate(line).has_value());
}

/// Any bytes, written as a string and read again, are themselves or lost only what was not UTF-8.
void fuzz_string(std::string_view text) {
  static ValueReader reader;
  (void)json::decode_string(text);
  std::string token;
  Writer(token).string(text);
  MCPWIRE_CHECK(reader.validate(token).has_value());
  const auto decoded = json::decode_string(token);
  MCPWIRE_CHECK(decoded.has_value());
  MCPWIRE_CHECK(nlohmann::json::parse(token).get<std::string>() == *decoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  fuzz_envelope(text);
  fuzz_value(text);
  fuzz_string(text);
  return 0;
}
