// SPDX-License-Identifier: MIT
//
// Servers that want authorization, wherever they say so: an error of its own, which says what to
// configure and shows no secret.
#include "tests/io/http/http_transport_fixture.hpp"

#include <gmock/gmock.h>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using protocol::mcp::Era;
using testing::HasSubstr;
using testing::Not;

class HttpAuthorizationTest : public HttpTransportTest {
 protected:
  static StreamableHttpOptions with_token() {
    StreamableHttpOptions options;
    options.endpoint.url = kUrl;
    options.endpoint.headers = {{"Authorization", "Bearer sesame-123"}, {"X-Team", "tools"}};
    return options;
  }
  void expect_opening_fails() {
    ASSERT_TRUE(opened.has_value() && !opened->has_value());
    EXPECT_EQ(opened->error().code, ErrorCode::kAuthorization) << open_failure();
    EXPECT_EQ(opened->error().kind, ErrorKind::kConfiguration);
  }
  void expect_refused(const HttpTestCall& made_call) {
    EXPECT_EQ(outcome_of(made_call), Outcome::kRejected);
    EXPECT_EQ(made_call.reply->error.code, ErrorCode::kAuthorization);
    EXPECT_THAT(made_call.reply->error.message(), Not(HasSubstr("sesame")));
  }
};

TEST_F(HttpAuthorizationTest, WithoutCredentialsTheErrorShowsHowToConfigureThem) {
  create();
  start_open();
  reply(last(), 401, "");
  expect_opening_fails();
  EXPECT_THAT(open_failure(), HasSubstr("HTTP 401"));
  EXPECT_THAT(open_failure(), HasSubstr(R"("Authorization": "Bearer ${TOKEN}")"));
}

TEST_F(HttpAuthorizationTest, WithCredentialsItNamesTheirHeadersAndNotTheirValues) {
  for (const int status : {401, 403}) {
    client.exchanges.clear();
    create(with_token());
    start_open();
    reply(last(), status, "{\"error\":\"invalid_token\"}");
    expect_opening_fails();
    EXPECT_THAT(open_failure(), HasSubstr("(Authorization, X-Team)"));
    EXPECT_THAT(open_failure(), Not(HasSubstr("sesame")));
  }
}

TEST_F(HttpAuthorizationTest, AServerThatOnlyInitializesSaysItThere) {
  StreamableHttpOptions options = with_token();
  options.pinned_era = Era::kLegacy;
  create(std::move(options));
  start_open();
  reply(last(), 401, "");
  expect_opening_fails();
}

TEST_F(HttpAuthorizationTest, SoDoesAStreamOfHttpSse) {
  StreamableHttpOptions options = with_token();
  options.is_http_sse = true;
  create(std::move(options));
  start_open();
  ASSERT_EQ(last().request.method, HttpMethod::kGet);
  reply(last(), 401, "");
  expect_opening_fails();
}

TEST_F(HttpAuthorizationTest, ATokenThatExpiresMeanwhileFailsTheCall) {
  open_modern(with_token());
  const HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), 401, "");
  expect_refused(made_call);
}

TEST_F(HttpAuthorizationTest, AJsonRpcErrorIsItsReasonAndNotTheAnswer) {
  open_modern(with_token());
  const HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  answer_error(last(), 403, R"({"code":-32001,"message":"Bearer sesame-123 may not"})");
  expect_refused(made_call);
  EXPECT_THAT(made_call.reply->error.message(), HasSubstr("may not"));
}

TEST_F(HttpAuthorizationTest, AResultBehindSuchAStatusIsNone) {
  open_modern(with_token());
  const HttpTestCall& made_call = call("tools/call", R"({"name":"x"})");
  reply(last(), 401, R"({"jsonrpc":"2.0","id":)" + id_of(last()) + R"(,"result":{}})");
  expect_refused(made_call);
}

TEST_F(HttpAuthorizationTest, WhatIsKnownOfTheServersEraStays) {
  FakeVerdicts verdicts;
  verdicts.keep("id", {Era::kLegacy, false});
  StreamableHttpOptions options = with_token();
  options.verdicts = &verdicts;
  create(std::move(options));
  start_open();
  reply(last(), 401, "");
  expect_opening_fails();
  EXPECT_EQ(made(), 1U);
  EXPECT_TRUE(verdicts.find("id").has_value());
}

TEST_F(HttpAuthorizationTest, AProxyWantsAnotherRemedy) {
  create();
  start_open();
  reply(last(), 407, "");
  expect_opening_fails();
  EXPECT_THAT(open_failure(), HasSubstr("proxy"));
}

}  // namespace
}  // namespace mcpwire::io
