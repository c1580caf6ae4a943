// SPDX-License-Identifier: MIT
//
// A client that does not read what a call over HTTP tells it: that call's server has to wait, and
// nobody else.
#include "tests/io/http/script_server.hpp"
#include "tests/process/client_fixture.hpp"

#include <atomic>
#include <cstddef>
#include <future>
#include <string>
#include <string_view>

namespace mcpwire::test {
namespace {

using io::ScriptConnection;
using io::ScriptRequest;
using io::ScriptServer;
using protocol::Outcome;

/// Much more than the kernel keeps for a connection.
constexpr std::size_t kFloodBytes = std::size_t{128} << 20;

std::string id_of(const ScriptRequest& request) {
  const std::size_t begin = request.body.find("\"id\":") + 5;
  return request.body.substr(begin, request.body.find_first_of(",}", begin) - begin);
}

std::string result_for(const ScriptRequest& request) {
  return R"({"jsonrpc":"2.0","id":)" + id_of(request) +
         R"(,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],)"
         R"("capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public","content":[]}})";
}

/// A modern server. Its tool `flood` tells of its progress until that is taken no more.
class FloodingServer {
 public:
  std::string url() const { return server_.url(); }
  /// How much of a flood was taken.
  std::size_t taken() { return taken_.get_future().get(); }

 private:
  void serve(ScriptConnection& peer) {
    while (const ScriptRequest request = peer.read_request()) {
      if (request.body.find("\"flood\"") != std::string::npos) return flood(peer, request);
      peer.json(result_for(request));
    }
  }
  void flood(ScriptConnection& peer, const ScriptRequest& request) {
    constexpr std::uint64_t kPatienceUs = 500'000;
    peer.limit_patience(kPatienceUs);
    peer.stream();
    const std::string text(1000, 'x');
    std::size_t taken = 0;
    for (int progress = 1; taken < kFloodBytes; ++progress) {
      const std::string event =
          R"(data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" +
          id_of(request) + R"(,"progress":)" + std::to_string(progress) + R"(,"message":")" + text +
          "\"}}\n\n";
      if (!peer.send(event)) break;
      taken += event.size();
    }
    taken_.set_value(taken);
  }

  std::promise<std::size_t> taken_;
  ScriptServer server_{[this](ScriptConnection& peer) { serve(peer); }};
};

using HttpBackPressureTest = ClientFixture;

TEST_F(HttpBackPressureTest, AStreamWaitsForItsClientAndOtherCallsDoNot) {
  FloodingServer server;
  use_configuration(R"({"mcpServers":{"web":{"url":")" + server.url() + R"(","era":"modern"}}})");
  client::Connection idle = client::Connection::connect(connect_options()).value();
  std::size_t seen = 0;
  idle.on_progress([&](std::uint64_t, std::string_view) { ++seen; });
  // Nothing is read outside of wait().
  const auto call = idle.start_call({"web", "flood", "{}"}).value();
  EXPECT_LT(server.taken(), kFloodBytes) << "nothing ever held it back";
  client::Connection busy = client::Connection::connect(connect_options()).value();
  EXPECT_EQ(busy.call_tool({"web", "echo", "{}"}).outcome, Outcome::kOk);
  // The server has given up in the middle of its stream.
  const auto reply = idle.wait(call);
  EXPECT_EQ(reply->outcome, Outcome::kUnknown);
  EXPECT_GT(seen, 100U);
}

}  // namespace
}  // namespace mcpwire::test
