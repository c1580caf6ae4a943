// SPDX-License-Identifier: MIT
#include "protocol/mcp/client_abilities.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace mcpwire::protocol::mcp {
namespace {

using enum ClientAbility;

TEST(ClientAbilitiesTest, AreSetsOfBits) {
  EXPECT_EQ(ClientAbilities().bits(), 0U);
  const ClientAbilities two = kSampling | kRoots;
  EXPECT_TRUE(two.has(kSampling));
  EXPECT_TRUE(two.has(kRoots));
  EXPECT_FALSE(two.has(kTasks));
  EXPECT_EQ(ClientAbilities::from_bits(two.bits()), two);
  EXPECT_EQ(ClientAbilities::from_bits(0xffffffff), ClientAbilities::all());
}

struct Row {
  ClientAbilities abilities;
  Revision revision;
  std::string json;
};

TEST(ClientAbilitiesTest, BecomeTheCapabilitiesThatTheirRevisionHasAWordFor) {
  using enum Revision;
  const ClientAbilities all = ClientAbilities::all();
  const std::vector<Row> rows = {
      {{}, k2024_11_05, "{}"},
      {{}, k2026_07_28, "{}"},
      {all, k2024_11_05, R"({"roots":{},"sampling":{}})"},
      {all, k2025_03_26, R"({"roots":{},"sampling":{}})"},
      {all, k2025_06_18, R"({"elicitation":{},"roots":{},"sampling":{}})"},
      {all, k2025_11_25,
       R"({"elicitation":{"form":{},"url":{}},"roots":{},"sampling":{"tools":{}}})"},
      {all, k2026_07_28,
       R"({"elicitation":{"form":{},"url":{}},"roots":{},"sampling":{"tools":{}},)"
       R"("extensions":{"io.modelcontextprotocol/tasks":{}}})"},
      {kElicitationUrl, k2025_06_18, "{}"},
      {kElicitationUrl, k2026_07_28, R"({"elicitation":{"url":{}}})"},
      {kElicitationForm, k2025_11_25, R"({"elicitation":{"form":{}}})"},
      {kSamplingTools, k2025_06_18, R"({"sampling":{}})"},
      {kTasks, k2025_11_25, "{}"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(client_capabilities_json(row.abilities, row.revision), row.json);
  }
}

TEST(ClientAbilitiesTest, EveryCombinationIsJsonWithoutRepeatedKeys) {
  for (const Revision revision : kRevisions) {
    for (unsigned bits = 0; bits < ClientAbilities::kCombinations; ++bits) {
      const std::string text = client_capabilities_json(ClientAbilities::from_bits(bits), revision);
      const auto parsed = nlohmann::json::parse(text);
      EXPECT_TRUE(parsed.is_object());
      EXPECT_EQ(parsed.dump().size(), text.size()) << text;
    }
  }
}

}  // namespace
}  // namespace mcpwire::protocol::mcp
