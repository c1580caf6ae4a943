// SPDX-License-Identifier: MIT
#include "tools/mcpwire/trace_context.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mcpwire::cli {
namespace {

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kSpan = "b7ad6b7169203331";
const std::string kParent = "00-" + kTrace + "-" + kSpan + "-01";

TEST(TraceContextTest, AParentIsReadIntoItsFields) {
  const auto parent = parse_trace_parent(kParent);
  ASSERT_TRUE(parent.has_value());
  EXPECT_EQ(parent->trace_id[0], 0x0a);
  EXPECT_EQ(parent->trace_id[15], 0x9c);
  EXPECT_EQ(parent->parent_span_id[0], 0xb7);
  EXPECT_EQ(parent->parent_span_id[7], 0x31);
  EXPECT_EQ(parent->flags, 1);
}

TEST(TraceContextTest, WhatBreaksTheRecommendationIsNoParent) {
  const std::string wrong[] = {
      "",
      "00",
      kParent + " ",
      kParent + "-x",                         // Version 0 has no more fields,
      "01-" + kTrace + "-" + kSpan + "-01x",  // later ones have dashes before them.
      "ff-" + kTrace + "-" + kSpan + "-01",
      "00-" + std::string(32, '0') + "-" + kSpan + "-01",
      "00-" + kTrace + "-" + std::string(16, '0') + "-01",
      "00-0AF7651916CD43DD8448EB211C80319C-" + kSpan + "-01",
      "00-" + kTrace + "-" + kSpan + "-0g",
      "0x-" + kTrace + "-" + kSpan + "-01",
      "00_" + kTrace + "-" + kSpan + "-01",
      "00-" + kTrace + "_" + kSpan + "-01",
      "00-" + kTrace + "-" + kSpan + "_01",
      kParent.substr(0, 54),
  };
  for (const std::string& text : wrong) EXPECT_FALSE(parse_trace_parent(text)) << text;
}

TEST(TraceContextTest, ALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(parse_trace_parent("01-" + kTrace + "-" + kSpan + "-00"));
  EXPECT_EQ(parse_trace_parent("cc-" + kTrace + "-" + kSpan + "-03-what-comes")->flags, 3);
}

TEST(TraceContextTest, AStateIsAListOfMembers) {
  for (const char* text : {"a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", " a=1 ,\tb=2,,",
                           "fw529a3039@dt=FfD_CWA", "a/b_c-d*e=\"x y\"", "1a=b"}) {
    EXPECT_TRUE(is_trace_state(text)) << text;
  }
  for (const char* text : {"", ",", " ", "a", "a=", "=1", "A=1", "a b=1", "a=1,a=2", "a=\x01",
                           "a=\xc3\xa9", "a=b=c"}) {
    EXPECT_FALSE(is_trace_state(text)) << text;
  }
  std::string many;
  for (int number = 0; number < 32; ++number) many += "k" + std::to_string(number) + "=v,";
  EXPECT_TRUE(is_trace_state(many));
  EXPECT_FALSE(is_trace_state(many + "one=more"));
  EXPECT_TRUE(is_trace_state(std::string(256, 'k') + "=" + std::string(256, 'v')));
  EXPECT_FALSE(is_trace_state(std::string(257, 'k') + "=v"));
  EXPECT_FALSE(is_trace_state("k=" + std::string(257, 'v')));
}

TEST(TraceContextTest, AStateCountsWithAParentOnly) {
  EXPECT_EQ(trace_context({{"TRACESTATE", "a=1"}}).state, "");
  EXPECT_EQ(trace_context({{"TRACEPARENT", "x"}, {"TRACESTATE", "a=1"}}).state, "");
  const TraceContext both = trace_context({{"TRACEPARENT", kParent}, {"TRACESTATE", " a=1"}});
  EXPECT_EQ(both.state, "a=1");
  EXPECT_EQ(both.parent.flags, 1);
  const TraceContext alone = trace_context({{"TRACEPARENT", kParent}, {"TRACESTATE", "a"}});
  EXPECT_EQ(alone.state, "");
  EXPECT_EQ(alone.parent.trace_id[0], 0x0a);
  EXPECT_EQ(trace_context({}).parent.trace_id[0], 0);
}

}  // namespace
}  // namespace mcpwire::cli
