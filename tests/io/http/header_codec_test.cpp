// SPDX-License-Identifier: MIT
#include "io/http/header_codec.hpp"

#include "io/http/http_client.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mcpwire::io {
namespace {

TEST(HeaderCodecTest, PlainValuesStayAsTheyAre) {
  for (const std::string value :
       {"", "us-west1", "two words", "a  b", "=?utf-8?x?=", "=?base64?x"}) {
    EXPECT_EQ(encode_header_value(value), value);
  }
}

TEST(HeaderCodecTest, EverythingElseBecomesBase64) {
  EXPECT_EQ(encode_header_value("\xC3\xA9t\xC3\xA9"), "=?base64?w6l0w6k=?=");
  EXPECT_EQ(encode_header_value(" x"), "=?base64?IHg=?=");
  EXPECT_EQ(encode_header_value("x "), "=?base64?eCA=?=");
  EXPECT_EQ(encode_header_value("a\tb"), "=?base64?YQli?=");
  EXPECT_EQ(encode_header_value("a\r\nEvil: 1"), "=?base64?YQ0KRXZpbDogMQ==?=");
  EXPECT_EQ(encode_header_value("\x7f"), "=?base64?fw==?=");
  EXPECT_EQ(encode_header_value(std::string(1, '\0')), "=?base64?AA==?=");
}

TEST(HeaderCodecTest, WhatLooksEncodedIsEncodedOnceMore) {
  EXPECT_EQ(encode_header_value("=?base64?YQ==?="), "=?base64?PT9iYXNlNjQ/WVE9PT89?=");
}

TEST(HeaderCodecTest, NamesAreTokens) {
  EXPECT_TRUE(is_header_name("Mcp-Param-Region"));
  EXPECT_TRUE(is_header_name("!#$%&'*+-.^_`|~0aZ"));
  for (const std::string name : {"", "a b", "a:b", "caf\xC3\xA9", "a\n", "a/b", "(a)"}) {
    EXPECT_FALSE(is_header_name(name)) << name;
  }
}

TEST(HeaderCodecTest, AnEmptyValueIsWrittenAsLibcurlWantsIt) {
  EXPECT_EQ(header_line("A", "b"), "A: b");
  EXPECT_EQ(header_line("A", ""), "A;");
}

TEST(HeaderCodecDeathTest, AHeaderNeverGetsALineBreak) {
  EXPECT_DEATH(header_line("A", "b\r\nC: d"), "");
  EXPECT_DEATH(header_line("A b", "c"), "");
}

TEST(HeaderCodecTest, SessionIdsAreVisibleAscii) {
  EXPECT_TRUE(is_session_id("0a!~"));
  EXPECT_FALSE(is_session_id(""));
  EXPECT_FALSE(is_session_id("a b"));
  EXPECT_FALSE(is_session_id("a\x7f"));
  EXPECT_FALSE(is_session_id(std::string(1025, 'a')));
}

TEST(HttpHeadTest, FindsHeadersWhateverTheirCase) {
  const HttpHead head(200, "Content-TYPE: Text/Event-Stream ; charset=utf-8\r\nX:\r\nx: 2\r\n");
  EXPECT_EQ(head.find("content-type"), "Text/Event-Stream ; charset=utf-8");
  EXPECT_EQ(head.media_type(), "text/event-stream");
  EXPECT_EQ(head.find("x"), "");
  EXPECT_EQ(head.find("content"), "");
}

}  // namespace
}  // namespace mcpwire::io
