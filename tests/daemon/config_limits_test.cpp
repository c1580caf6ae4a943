// SPDX-License-Identifier: MIT
#include "daemon/config/limits.hpp"

#include "daemon/config/server_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mcpwire::config {
namespace {

using ::testing::HasSubstr;

std::string body_with(std::string_view limits) {
  return R"({"mcpServers":{"s":{"command":"c","limits":)" + std::string(limits) + "}}}";
}
Limits limits_of(std::string_view limits) {
  const auto parsed = parse_configuration(body_with(limits), "/f").value();
  EXPECT_EQ(parsed.problems.size(), 0U);
  return parsed.servers.at(0).limits;
}
std::string problem_of(std::string_view limits) {
  const auto parsed = parse_configuration(body_with(limits), "/f").value();
  return parsed.problems.empty() ? "" : parsed.problems[0].error.message();
}

TEST(LimitsTest, ReadsSizesAndCounts) {
  const Limits limits = limits_of(
      R"({"lineBytes":"16MiB","queueBytes":4096,"junkLines":0,"openFiles":64,"memoryBytes":"2GiB"})");
  EXPECT_EQ(limits.get(LimitKey::kLineBytes), 16U << 20);
  EXPECT_EQ(limits.get(LimitKey::kQueueBytes), 4096U);
  EXPECT_EQ(limits.get(LimitKey::kJunkLines), 0U);
  EXPECT_EQ(limits.get(LimitKey::kOpenFiles), 64U);
  EXPECT_EQ(limits.get(LimitKey::kMemoryBytes), 2ULL << 30);
  EXPECT_EQ(limits.get(LimitKey::kStderrBytes), std::nullopt);
}

TEST(LimitsTest, EachLimitHasARange) {
  for (const LimitFacts& facts : limit_table()) {
    if (facts.scope == LimitScope::kUrl) continue;
    const auto with = [&](std::uint64_t value) {
      return R"({")" + std::string(facts.name) + "\":" + std::to_string(value) + '}';
    };
    EXPECT_EQ(problem_of(with(facts.least)), "");
    EXPECT_EQ(problem_of(with(facts.most)), "");
    const std::string text = "limits." + std::string(facts.name) + " must be from ";
    EXPECT_THAT(problem_of(with(facts.most + 1)), HasSubstr(text));
    if (facts.least > 0) EXPECT_THAT(problem_of(with(facts.least - 1)), HasSubstr(text));
  }
}

TEST(LimitsTest, AnythingElseIsAnError) {
  EXPECT_THAT(problem_of("7"), HasSubstr("limits must be an object"));
  EXPECT_THAT(problem_of(R"({"lineByte":4096})"), HasSubstr("did you mean 'lineBytes'"));
  EXPECT_THAT(problem_of(R"({"lineBytes":-1})"), HasSubstr("limits.lineBytes must be a number"));
  EXPECT_THAT(problem_of(R"({"lineBytes":1.5})"), HasSubstr("limits.lineBytes must be"));
  EXPECT_THAT(problem_of(R"({"lineBytes":"many"})"), HasSubstr("not a size"));
  EXPECT_THAT(problem_of(R"({"openFiles":"64"})"), HasSubstr("must be a whole number"));
  EXPECT_THAT(problem_of(R"({"openFiles":64,"openFiles":65})"), HasSubstr("more than once"));
}

TEST(LimitsTest, SizesAreReadExactly) {
  EXPECT_EQ(parse_bytes("0").value(), 0U);
  EXPECT_EQ(parse_bytes("512B").value(), 512U);
  EXPECT_EQ(parse_bytes("64KiB").value(), 65'536U);
  EXPECT_EQ(parse_bytes("1MiB").value(), 1U << 20);
  EXPECT_EQ(parse_bytes("3GiB").value(), 3ULL << 30);
  for (const char* text : {"", "KiB", "-1", "+1", " 1", "1 KiB", "1.5MiB", "1kb", "1TiB", "0x10",
                           "99999999999999999999", "18446744073709551615KiB"}) {
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace mcpwire::config
