// SPDX-License-Identifier: MIT
//
// The strict envelope parser beside a full DOM parse (nlohmann-json) and the envelope rules written
// down a second time: on a corpus of messages, and on every small damage to each of them. The fuzz
// target tests/fuzz/json_envelope_fuzz.cpp looks further; this test looks at the same lines each
// time.
#include "protocol/json/envelope.hpp"
#include "tests/protocol/json_oracle.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::protocol::json {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// What a line says, by the second opinion.
struct Expected {
  MessageKind kind = MessageKind::kNotification;
  std::map<std::string, std::string> members;  ///< Raw values of the envelope's keys.
};

/// The members of a valid object as raw texts, found by counting brackets and quotes.
std::vector<std::pair<std::string, std::string>> split(std::string_view object) {
  std::vector<std::pair<std::string, std::string>> members;
  std::string piece;
  std::string key;
  std::size_t depth = 0;
  bool in_string = false;
  const auto trimmed = [](const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == text.npos) return std::string();
    return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  };
  for (std::size_t at = 0; at < object.size(); ++at) {
    const char c = object[at];
    if (in_string) {
      piece += c;
      if (c == '\\') piece += object[++at];
      in_string = c != '"';
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    const bool ends_member = (depth == 1 && c == ',') || (depth == 0 && c == '}');
    if (depth == 1 && c == '{' && members.empty() && key.empty() && trimmed(piece).empty()) {
      piece.clear();
    } else if (depth == 1 && c == ':' && key.empty()) {
      key = trimmed(piece);
      piece.clear();
    } else if (ends_member) {
      if (!key.empty()) members.emplace_back(std::exchange(key, {}), trimmed(piece));
      piece.clear();
    } else {
      piece += c;
    }
  }
  return members;
}

bool is_integer(std::string_view token) {
  if (token.starts_with('-')) token.remove_prefix(1);
  if (token.empty() || (token.size() > 1 && token.front() == '0')) return false;
  return token.find_first_not_of("0123456789") == token.npos;
}

/// The rules of protocol/json/envelope.hpp, on a document that is known to be valid JSON.
std::optional<Expected> read_rules(std::string_view line) {
  if (test::depth_of(line) > kDepthMax) return std::nullopt;
  Expected expected;
  for (auto& [key, value] : split(line)) {
    if (key.find('\\') != key.npos) return std::nullopt;
    const std::string name = key.substr(1, key.size() - 2);
    static const std::vector<std::string> kNames = {"jsonrpc", "id",     "method",
                                                    "params",  "result", "error"};
    if (std::ranges::find(kNames, name) == kNames.end()) continue;
    if (!expected.members.emplace(name, value).second) return std::nullopt;
  }
  const auto has = [&](const char* name) { return expected.members.contains(name); };
  const auto begins = [&](const char* name, std::string_view characters) {
    return has(name) && characters.find(expected.members[name][0]) != characters.npos;
  };
  if (!has("jsonrpc") || expected.members["jsonrpc"] != "\"2.0\"") return std::nullopt;
  const bool has_id = has("id") && (begins("id", "\"") || is_integer(expected.members["id"]));
  if (has("method")) {
    if (!begins("method", "\"") || has("result") || has("error")) return std::nullopt;
    if ((has("id") && !has_id) || (has("params") && !begins("params", "{["))) return std::nullopt;
    expected.kind = has("id") ? MessageKind::kRequest : MessageKind::kNotification;
    return expected;
  }
  if (has("result") == has("error") || has("params")) return std::nullopt;
  if (has("error") && !begins("error", "{")) return std::nullopt;
  const bool may_lack_id = has("error") && (!has("id") || expected.members["id"] == "null");
  if (!has_id && !may_lack_id) return std::nullopt;
  expected.kind = has("result") ? MessageKind::kResult : MessageKind::kError;
  return expected;
}

class DifferentialTest : public testing::Test {
 protected:
  /// Both opinions of one line.
  void compare(std::string_view line) {
    ++compared_;
    std::string_view text = line;
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    const std::optional<bool> is_json = test::oracle_accepts(text);
    if (!is_json.has_value()) {
      ++skipped_;
      return;
    }
    const bool is_object = *is_json && text[text.find_first_not_of(" \t\r\n")] == '{';
    const std::optional<Expected> expected = is_object ? read_rules(text) : std::nullopt;
    const Result<Envelope> envelope = parser_.parse(line);
    ASSERT_EQ(envelope.has_value(), expected.has_value())
        << line << "\nparser: " << json_fault_text(parser_.last_fault());
    if (!envelope.has_value()) return;
    ++accepted_;
    ASSERT_EQ(envelope->kind, expected->kind) << line;
    expect_span(*expected, "id", envelope->id, line);
    expect_span(*expected, "params", envelope->params, line);
    expect_span(*expected, "result", envelope->result, line);
    expect_span(*expected, "error", envelope->error, line);
    expect_method(*expected, envelope->method, line);
  }

  /// Byte for byte: what passes through must not change.
  static void expect_span(const Expected& expected, const char* name, std::string_view raw,
                          std::string_view line) {
    const auto found = expected.members.find(name);
    const bool is_absent = found == expected.members.end() ||
                           (std::string_view(name) == "id" && found->second == "null");
    ASSERT_EQ(raw, is_absent ? std::string_view() : found->second) << name << " of " << line;
  }
  static void expect_method(const Expected& expected, std::string_view method,
                            std::string_view line) {
    const auto found = expected.members.find("method");
    if (found == expected.members.end()) {
      ASSERT_EQ(method, "") << line;
      return;
    }
    // A lone surrogate is no text for the oracle.
    if (found->second.find("\\u") != std::string::npos) return;
    ASSERT_EQ(nlohmann::json::parse(found->second).get<std::string>(), method) << line;
  }

  EnvelopeParser parser_;
  std::size_t compared_ = 0;
  std::size_t accepted_ = 0;
  std::size_t skipped_ = 0;
};

const std::vector<std::string>& corpus() {
  static const std::vector<std::string> kLines = [] {
    std::vector<std::string> lines = {
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}})",
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}})",
        R"({"jsonrpc":"2.0","id":"a\"b","result":{"content":[{"type":"text","text":"\u00e9\n"}]}})",
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"x","data":[1,2.5e-3,null]}})",
        R"({"jsonrpc":"2.0","id":null,"error":{}})",
        R"({"jsonrpc":"2.0","error":{"code":0}})",
        R"( { "params" : [ 1 , true ] , "method" : "a\/b" , "id" : -0 , "jsonrpc" : "2.0" } )",
        R"({"jsonrpc":"2.0","id":123456789012345678901234567890,"result":false})",
        R"({"jsonrpc":"2.0","id":0,"result":"\ud800","x":{"id":1,"id":2},"x":[]})",
        R"({"jsonrpc":"2.0","id":1.0,"result":1})",
        R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","result":1})",
        R"({"jsonrpc":"2.0","i\u0064":1,"method":"m"})",
        R"({"jsonrpc":"2.0","":1,"method":"","params":[]})",
        R"([{"jsonrpc":"2.0","method":"m"}])",
        "\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"method\":\"m\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" + std::string(63, '[') + std::string(63, ']') +
            "}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" + std::string(64, '[') + std::string(64, ']') +
            "}",
    };
    for (const auto& entry : std::filesystem::directory_iterator(MCPWIRE_ENVELOPE_CORPUS)) {
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      lines.push_back(text.str());
    }
    return lines;
  }();
  return kLines;
}

TEST_F(DifferentialTest, BothReadTheCorpusAlike) {
  ASSERT_GT(corpus().size(), 30U) << "the fuzzer's corpus is missing";
  for (const std::string& line : corpus()) compare(line);
  EXPECT_GT(accepted_, 10U);
}

TEST_F(DifferentialTest, BothReadEverySmallDamageAlike) {
  constexpr std::string_view kBytes = "{}[]\":,\\0-e \x01\xff";
  for (const std::string& line : corpus()) {
    for (std::size_t at = 0; at < line.size(); ++at) {
      compare(line.substr(0, at));
      compare(line.substr(at));
      compare(std::string(line).erase(at, 1));
      compare(std::string(line).insert(at, 1, line[at]));
      for (const char byte : kBytes) {
        compare(std::string(line).insert(at, 1, byte));
        std::string replaced = line;
        replaced[at] = byte;
        compare(replaced);
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(accepted_, 1000U);
  EXPECT_LT(skipped_, compared_ / 10) << "the oracle has no opinion of too much";
}

TEST_F(DifferentialTest, BothReadMixturesAlike) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string& front = corpus()[pick(corpus().size())];
    const std::string& back = corpus()[pick(corpus().size())];
    compare(front.substr(0, pick(front.size() + 1)) + back.substr(pick(back.size() + 1)));
    if (HasFatalFailure()) return;
  }
}

/// A member that changes nothing but the size, in front of the last brace.
std::string grown(std::string line) {
  line.insert(line.rfind('}'),
              R"(,"padding":")" + std::string(EnvelopeParser::kFullValidationBytesMax, 'x') + '"');
  return line;
}

TEST_F(DifferentialTest, LargeMessagesAreReadAsSmallOnesAre) {
  for (const std::string& line : corpus()) {
    if (!parser_.parse(line).has_value()) continue;
    ASSERT_TRUE(parser_.parse(grown(line)).has_value()) << line;
    compare(grown(line));
  }
  EXPECT_GT(accepted_, 5U);
}

}  // namespace
}  // namespace mcpwire::protocol::json
