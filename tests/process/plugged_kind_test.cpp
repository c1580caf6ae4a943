// SPDX-License-Identifier: MIT
//
// A kind of server that pool/ and daemon/ do not know, from the command line to the server and
// back: mcpwire, a daemon with one kind more, the demo server behind a Unix socket.
#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <string>

namespace mcpwire::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PluggedKindTest : public CliFixture {
 protected:
  PluggedKindTest() {
    listen();
    environment["FAR_SOCKET"] = path_;
    use_configuration(R"({"mcpServers":{"far":{"type":"unix","path":"${FAR_SOCKET}"}}})");
  }
  ~PluggedKindTest() override {
    if (daemon_ == nullptr) return;
    run({"daemon", "stop"});
    EXPECT_EQ(daemon_->finish().exit_code, 0);
  }

  void start_daemon() {
    Launch launch;
    launch.program = "../tests/plugged_daemon";
    daemon_.reset(new RunningProgram(start({environment["MCPWIRE_RUNTIME_DIR"]}, launch)));
    daemon_->await("ready");
  }
  /// The demo server takes the next connection.
  RunningProgram serve_next() {
    const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(peer);
    Launch launch;
    launch.program = "mcpwire-demo-server";
    launch.in_fd = launch.out_fd = peer.get();
    return start({}, launch);
  }
  RunningProgram start_call(const char* message) {
    // With its arguments it reads no input.
    return start({"call", "far/echo", message}, {});
  }

 private:
  void listen() {
    path_ = work() + "/far.sock";
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    auto* const raw = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), raw, sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
  }

  std::string path_;
  UniqueFd listener_;
  std::unique_ptr<RunningProgram> daemon_;
};

TEST_F(PluggedKindTest, AServerOfAKindFromOutsideIsServedAsAnyOther) {
  start_daemon();
  RunningProgram first = start_call(R"({"message":"hi"})");
  RunningProgram server = serve_next();
  EXPECT_EQ(first.finish().out, "hi\n");
  // Warm: nobody has to take another connection.
  const std::string large(300'000, 'x');
  Launch launch;
  launch.input = R"({"message":")" + large + "\"}";
  EXPECT_EQ(run({"call", "far/echo"}, launch).out, large + "\n");
  EXPECT_THAT(run({"list"}).out, HasSubstr("far/echo"));
  EXPECT_EQ(run({"call", "far/fail", "{}"}).exit_code, 5);
  const std::string status = run({"daemon", "status"}).out;
  EXPECT_THAT(status, HasSubstr("violations 0"));
}

TEST_F(PluggedKindTest, AServerThatEndedIsConnectedToAgain) {
  start_daemon();
  {
    RunningProgram first = start_call(R"({"message":"one"})");
    RunningProgram server = serve_next();
    EXPECT_EQ(first.finish().out, "one\n");
  }
  RunningProgram second = start_call(R"({"message":"two"})");
  RunningProgram server = serve_next();
  EXPECT_EQ(second.finish().out, "two\n");
}

TEST_F(PluggedKindTest, TheKindSaysWhatIsWrongWithAServer) {
  start_daemon();
  use_configuration(R"({"mcpServers":{"far":{"type":"unix","path":"relative"}}})");
  const Finished refused = run({"call", "far/echo", "{}"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("server 'far': path must be absolute"));
}

TEST_F(PluggedKindTest, ADaemonWithoutTheKindNamesThoseThatItHas) {
  const Finished refused = run({"call", "far/echo", "{}"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("server 'far': type must be \"stdio\""));
  EXPECT_THAT(refused.err, Not(HasSubstr(environment["FAR_SOCKET"])));
}

}  // namespace
}  // namespace mcpwire::test
