// SPDX-License-Identifier: MIT
//
// docs/configuration.md says what the code does: its examples are read, its table is compared.
#include "daemon/config/server_config.hpp"
#include "io/transport_limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace mcpwire::config {
namespace {

using ::testing::HasSubstr;

std::string document() {
  std::ostringstream text;
  text << std::ifstream(MCPWIRE_CONFIGURATION_DOCUMENT).rdbuf();
  return text.str();
}

std::vector<std::string> json_examples(const std::string& text) {
  constexpr std::string_view kFence = "```json\n";
  std::vector<std::string> examples;
  for (std::size_t at = text.find(kFence); at != std::string::npos; at = text.find(kFence, at)) {
    at += kFence.size();
    examples.push_back(text.substr(at, text.find("```", at) - at));
  }
  return examples;
}

/// The row of the table that begins with `key`, without spaces.
std::string row_of(const std::string& text, const std::string& key) {
  const std::size_t start = text.find("\n| `" + key + "` |");
  if (start == std::string::npos) return "";
  std::string row = text.substr(start + 1, text.find('\n', start + 1) - start - 1);
  std::erase(row, ' ');
  return row;
}

std::map<LimitKey, std::uint64_t> defaults() {
  const io::TransportLimits limits;
  return {{LimitKey::kLineBytes, limits.line_bytes_max},
          {LimitKey::kQueueBytes, limits.queue_bytes_max},
          {LimitKey::kJunkLines, limits.junk_lines_max},
          {LimitKey::kStderrBytes, limits.stderr_bytes_max},
          {LimitKey::kMessageBytes, limits.message_bytes_max},
          {LimitKey::kHeaderBytes, limits.header_bytes_max}};
}

const char* kind_text(LimitScope scope) {
  if (scope == LimitScope::kBoth) return "both";
  return scope == LimitScope::kCommand ? "command" : "url";
}

TEST(ConfigurationDocumentTest, ItsExamplesAreValid) {
  const std::vector<std::string> examples = json_examples(document());
  ASSERT_FALSE(examples.empty());
  for (const std::string& example : examples) {
    const auto parsed = parse_configuration(example, "docs/configuration.md");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_TRUE(parsed->problems.empty()) << parsed->problems[0].error.message();
    EXPECT_FALSE(parsed->servers.empty());
  }
}

TEST(ConfigurationDocumentTest, ItsExampleUsesEveryKey) {
  const std::string example = json_examples(document()).at(0);
  for (const char* key : {"type", "command", "args", "env", "cwd", "url", "headers", "era",
                          "protocolVersion", "timeout", "limits", "disabled"}) {
    EXPECT_THAT(example, HasSubstr('"' + std::string(key) + "\":")) << key;
    EXPECT_NE(row_of(document(), key), "") << key;
  }
}

TEST(ConfigurationDocumentTest, ItsTableOfLimitsIsTheCodes) {
  const std::string text = document();
  const auto by_default = defaults();
  std::size_t rows = 0;
  for (std::size_t at = text.find("\n| `limits."); at != std::string::npos;
       at = text.find("\n| `limits.", at + 1)) {
    ++rows;
  }
  EXPECT_EQ(rows, kLimitCount) << "a limit that is none";
  for (const LimitFacts& facts : limit_table()) {
    const auto value = by_default.find(facts.key);
    std::string row = "|`limits." + std::string(facts.name) + "`|" + kind_text(facts.scope) + '|';
    row += value == by_default.end() ? "-" : std::to_string(value->second);
    row += '|' + std::to_string(facts.least) + '|' + std::to_string(facts.most) + '|';
    EXPECT_THAT(row_of(text, "limits." + std::string(facts.name)), ::testing::StartsWith(row));
  }
}

}  // namespace
}  // namespace mcpwire::config
