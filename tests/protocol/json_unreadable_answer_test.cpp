// SPDX-License-Identifier: MIT
#include "protocol/json/unreadable_answer.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::protocol::json {
namespace {

struct Case {
  const char* name;
  std::string_view line;
  std::optional<std::uint64_t> id;
};

class UnreadableAnswerTest : public testing::TestWithParam<Case> {};

TEST_P(UnreadableAnswerTest, NamesWhoseItIsOrNobody) {
  EXPECT_EQ(unreadable_answer_id(GetParam().line), GetParam().id) << GetParam().line;
}

constexpr auto kNobody = std::nullopt;

INSTANTIATE_TEST_SUITE_P(
    Lines, UnreadableAnswerTest,
    testing::Values(
        Case{"BadUtf8", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"a\":\"\xff\"}}", 7},
        Case{"Nan", R"({"jsonrpc":"2.0","id":7,"result":{"a":NaN}})", 7},
        Case{"ErrorIsText", R"({"jsonrpc":"2.0","id":7,"error":"boom"})", 7},
        Case{"ErrorBesideResult", R"({"jsonrpc":"2.0","id":7,"result":{},"error":null})", 7},
        Case{"OtherIdInside", R"({"jsonrpc":"1","id":7,"result":{"a":{"id":9}}})", 7},
        Case{"NoVersion", R"({"id":7,"result":{}})", kNobody},
        Case{"DuplicateResult", R"({"jsonrpc":"2.0","result":1,"result":2,"id":7})", 7},
        Case{"InBatch", R"([{"jsonrpc":"2.0","id":7,"result":{}}])", 7},
        Case{"IdAsText", R"({"jsonrpc":"2.0","id":"7","result":{}})", 7},
        Case{"Spaces", " { \"jsonrpc\" : \"2.0\" , \"id\" : 7 , \"result\" : {} } ", 7},
        Case{"BracketMissing", R"({"jsonrpc":"2.0","id":7,"result":{"a":[1,2})", 7},
        Case{"EscapedQuote", R"({"jsonrpc":"2.0","result":"\",\"id\":9,","id":7})", 7},
        Case{"TwoIds", R"({"jsonrpc":"2.0","id":7,"id":7,"result":{}})", kNobody},
        Case{"IdInside", R"({"jsonrpc":"2.0","result":{"id":7}})", kNobody},
        Case{"Request", R"({"jsonrpc":"2.0","id":7,"method":"ping","result":NaN})", kNobody},
        Case{"NothingToAnswer", R"({"jsonrpc":"2.0","id":7})", kNobody},
        Case{"LogLine", R"({"level":30,"id":7,"error":"slow","msg":"request"})", kNobody},
        Case{"Float", R"({"jsonrpc":"2.0","id":7.0,"result":{}})", kNobody},
        Case{"Negative", R"({"jsonrpc":"2.0","id":-7,"result":{}})", kNobody},
        Case{"Huge", R"({"jsonrpc":"2.0","id":99999999999999999999,"result":{}})", kNobody},
        Case{"CutInTheMiddle", R"({"jsonrpc":"2.0","id":7,)", kNobody},
        Case{"QuoteMissing", R"({"jsonrpc":"2.0","result":"a"b","id":7})", kNobody},
        Case{"Text", "listening on port 7", kNobody}, Case{"Empty", "", kNobody},
        Case{"OnlyABrace", "{", kNobody}, Case{"LoneBackslash", "{\"\\", kNobody}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace mcpwire::protocol::json
