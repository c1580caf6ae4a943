// SPDX-License-Identifier: MIT
#include "daemon/hidden_secrets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mcpwire::daemon {
namespace {

using protocol::Outcome;

pool::ServerSpec with_secrets() {
  pool::ServerSpec spec;
  spec.spawn.environment = {"API_TOKEN=sesame-1", "CODE=-32602", "PATH=/usr/bin"};
  spec.http.headers = {{"Authorization", "Bearer open-2"}};
  spec.http.secrets = {"PASS_PHRASE=open-2"};
  return spec;
}

std::string shown(const std::string& error) {
  protocol::json::ValueReader reader;
  io::RpcReply reply{Outcome::kPeerError, error, {}, true};
  hide_secrets(reader, with_secrets(), reply);
  return std::string(reply.body.view());
}

TEST(HiddenSecretsTest, AServersErrorHasNone) {
  EXPECT_EQ(shown(R"({"code":-1,"message":"bad sesame-1 in /usr/bin"})"),
            R"({"code":-1,"message":"bad [API_TOKEN] in /usr/bin"})");
  EXPECT_EQ(shown(R"({"code":-1,"message":"sent Bearer open-2, open-2"})"),
            R"({"code":-1,"message":"sent [Authorization], [PASS_PHRASE]"})");
}

TEST(HiddenSecretsTest, NotInOtherSpellingsNorInItsData) {
  EXPECT_EQ(shown(R"({"code":-1,"message":"bad sesam\u0065-1"})"),
            R"({"code":-1,"message":"bad [API_TOKEN]"})");
  EXPECT_EQ(shown(R"({"code":-1,"message":"x","data":{"env":["sesame-1"]}})"),
            R"({"code":-1,"message":"x","data":{"env":["[API_TOKEN]"]}})");
}

TEST(HiddenSecretsTest, ItStaysAnErrorObject) {
  // A number became [CODE], which is no JSON.
  EXPECT_EQ(shown(R"({"code":-32602,"message":"m","data":{"n":-32602}})"),
            R"({"code":-32602,"message":"m","data":null})");
}

TEST(HiddenSecretsTest, WhatHasNoneStaysByteForByte) {
  const std::string error = R"({ "message" : "\u00e9" , "code":1, "data":[1, 2] })";
  EXPECT_EQ(shown(R"({"code":1,"message":"plain"})"), R"({"code":1,"message":"plain"})");
  EXPECT_EQ(shown(error), error);
}

TEST(HiddenSecretsTest, AResultIsTheCallersOwn) {
  protocol::json::ValueReader reader;
  io::RpcReply reply{Outcome::kOk, std::string(R"({"token":"sesame-1"})"), {}, true};
  hide_secrets(reader, with_secrets(), reply);
  EXPECT_EQ(reply.body, R"({"token":"sesame-1"})");
}

TEST(HiddenSecretsTest, AnErrorsTextIsOneLineWithoutThem) {
  const Error error = Error::with_detail(ErrorKind::kInvalid, ErrorCode::kPeerError,
                                         "sesame-1\nmcpwire: all is well\x1b[2J");
  EXPECT_EQ(hide_secrets(with_secrets(), error).message(), "[API_TOKEN]mcpwire: all is well[2J");
}

}  // namespace
}  // namespace mcpwire::daemon
