// SPDX-License-Identifier: MIT
#include "daemon/config/http_route.hpp"

#include "daemon/config/resolve.hpp"
#include "tests/support/fake_file_system.hpp"

#include <gtest/gtest.h>

namespace mcpwire::config {
namespace {

TEST(HttpRouteTest, TheSchemeChoosesTheProxy) {
  const EnvironmentMap environment = {{"http_proxy", "http://plain:1"},
                                      {"https_proxy", "http://tls:2"},
                                      {"all_proxy", "http://all:3"}};
  EXPECT_EQ(route_of("http://h/", environment).proxy, "http://plain:1");
  EXPECT_EQ(route_of("HTTPS://h/", environment).proxy, "http://tls:2");
}

TEST(HttpRouteTest, UpperCaseCountsButForHttp) {
  const EnvironmentMap environment = {{"HTTP_PROXY", "http://evil:1"},
                                      {"HTTPS_PROXY", "http://tls:2"}};
  EXPECT_EQ(route_of("http://h/", environment).proxy, "");
  EXPECT_EQ(route_of("https://h/", environment).proxy, "http://tls:2");
}

TEST(HttpRouteTest, AllProxyFillsIn) {
  EXPECT_EQ(route_of("http://h/", {{"ALL_PROXY", "socks5://a:3"}}).proxy, "socks5://a:3");
  EXPECT_EQ(route_of("https://h/", {{"https_proxy", ""}, {"all_proxy", "a:3"}}).proxy, "a:3");
}

TEST(HttpRouteTest, ExceptionsCountOnlyWithAProxy) {
  EXPECT_EQ(route_of("http://h/", {{"no_proxy", "h"}}).no_proxy, "");
  EXPECT_EQ(route_of("http://h/", {{"http_proxy", "p"}, {"NO_PROXY", "h"}}).no_proxy, "h");
}

TEST(HttpRouteTest, CertificatesAreOfTheCaller) {
  EXPECT_EQ(route_of("https://h/", {{"SSL_CERT_FILE", "/ca.pem"}}).ca_file, "/ca.pem");
  EXPECT_EQ(route_of("http://h/", {{"SSL_CERT_FILE", "/ca.pem"}}).ca_file, "");
}

TEST(HttpRouteTest, TheRouteIsPartOfTheIdentityAndItsPasswordASecret) {
  test_support::FakeFileSystem files;
  ServerConfig server;
  server.name = "s";
  server.type = ServerType::kStreamableHttp;
  server.url = "https://h/mcp";
  CallerContext caller;
  caller.config_directory = "/proj";
  const auto direct = resolve(server, caller, files);
  caller.environment["https_proxy"] = "http://u:pass@p:1";
  const auto by_proxy = resolve(server, caller, files);
  ASSERT_TRUE(direct.has_value());
  ASSERT_TRUE(by_proxy.has_value());
  EXPECT_NE(direct->identity, by_proxy->identity);
  EXPECT_EQ(by_proxy->route.proxy, "http://u:pass@p:1");
  EXPECT_EQ(by_proxy->secrets, std::vector<std::string>{"proxy=http://u:pass@p:1"});
}

}  // namespace
}  // namespace mcpwire::config
