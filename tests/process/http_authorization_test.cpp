// SPDX-License-Identifier: MIT
//
// A server over HTTP that wants authorization: every command ends with the same exit code and says
// what to configure, and never what is secret.
#include "tests/io/http/script_server.hpp"
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace mcpwire::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kAuthorization = 4;

class HttpAuthorizationTest : public CliFixture {
 protected:
  void configure(const std::string& type, const std::string& headers) {
    use_configuration(R"({"mcpServers":{"web":{"type":")" + type + R"(","url":")" + server_.url() +
                      R"(","headers":)" + headers + "}}}");
  }
  void expect_refusals(const std::string& hint) {
    const std::vector<std::vector<std::string>> commands = {{"call", "web/echo", "{}"},
                                                            {"list", "web"},
                                                            {"list"},
                                                            {"info", "web"},
                                                            {"info", "web/echo"},
                                                            {"resources", "web"},
                                                            {"request", "web", "tools/list"}};
    for (const auto& command : commands) {
      const Finished refused = run(command);
      SCOPED_TRACE(command.front());
      EXPECT_EQ(refused.exit_code, kAuthorization);
      EXPECT_THAT(refused.err, AllOf(HasSubstr("web"), HasSubstr("HTTP 401"), HasSubstr(hint),
                                     Not(HasSubstr("sesame"))));
    }
  }

  io::ScriptServer server_{[](io::ScriptConnection& peer) {
    while (peer.read_request()) peer.answer(401, "application/json", R"({"error":"no"})");
  }};
};

TEST_F(HttpAuthorizationTest, EveryCommandEndsWithItsExitCode) {
  configure("http", "{}");
  expect_refusals("Bearer ${TOKEN}");
}

TEST_F(HttpAuthorizationTest, ATokenThatIsNotAcceptedIsNotShown) {
  configure("http", R"({"Authorization":"Bearer sesame-123"})");
  expect_refusals("(Authorization)");
}

TEST_F(HttpAuthorizationTest, SoItIsWithTheOlderTransport) {
  configure("sse", R"({"Authorization":"Bearer sesame-123"})");
  expect_refusals("(Authorization)");
}

}  // namespace
}  // namespace mcpwire::test
