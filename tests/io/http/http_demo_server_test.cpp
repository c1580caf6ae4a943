// SPDX-License-Identifier: MIT
//
// The transport against mcpwire-demo-server over HTTP, a server of our own in a process of its own.
#include "io/http/curl_client.hpp"
#include "io/http/streamable_http_transport.hpp"
#include "io/loop.hpp"
#include "io/signal_watcher.hpp"
#include "protocol/base/unique_fd.hpp"
#include "tests/io/started_task.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using protocol::mcp::Era;

/// mcpwire-demo-server --http; killed at the end.
class DemoServer {
 public:
  explicit DemoServer(std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd output(ends[0]);
    UniqueFd child_output(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, child_output.get(), STDOUT_FILENO);
    arguments.insert(arguments.begin(), MCPWIRE_DEMO_SERVER_PATH);
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, raw[0], &actions, nullptr, raw.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    child_output.reset();
    char c = 0;
    while (::read(output.get(), &c, 1) == 1 && c != '\n') url_ += c;
  }
  ~DemoServer() { stop(); }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  const std::string& url() const noexcept { return url_; }
  std::string place() const { return url_.substr(7, url_.rfind('/') - 7); }

 private:
  std::string url_;
  pid_t pid_ = -1;
};

struct Steps final : ProgressSink {
  void on_progress(std::string_view) override { ++count; }
  int count = 0;
};

struct HttpDemoCase {
  Era era;
  bool streams;
};

class HttpDemoServerTest : public testing::TestWithParam<HttpDemoCase> {
 protected:
  void SetUp() override {
    ignore_write_signals();
    loop_ = Loop::create().value();
    client_ = CurlClient::create(*loop_).value();
    start_server("0");
    StreamableHttpOptions options;
    options.endpoint.url = server_->url();
    options.pinned_era = GetParam().era;
    transport_ =
        std::make_unique<StreamableHttpTransport>(*loop_, *client_, codec_, std::move(options));
    const Result<void> opened = run(open_it(transport_.get(), &scope_));
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
  }
  void TearDown() override {
    run(close_it(transport_.get()));
    transport_.reset();
    client_.reset();
  }

  void start_server(std::string place) {
    std::vector<std::string> arguments = {"--http", std::move(place)};
    if (GetParam().streams) arguments.emplace_back("--streams");
    server_ = std::make_unique<DemoServer>(std::move(arguments));
  }
  template <class T>
  T run(task<T> work) {
    StartedTask<T> started(*loop_, std::move(work));
    while (!started.is_done()) loop_->run_once(kNever);
    return std::move(started.result());
  }
  RpcReply request(std::string method, std::string params, RequestOptions options = {}) {
    options.scope = &scope_;
    return run(ask(transport_.get(), std::move(method), std::move(params), options));
  }
  RpcReply call(std::string tool, std::string arguments, RequestOptions options = {}) {
    return request("tools/call", R"({"name":")" + tool + R"(","arguments":)" + arguments + "}",
                   options);
  }

  static task<Result<void>> open_it(StreamableHttpTransport* transport, CancelScope* scope) {
    co_return co_await transport->open(*scope, kNever);
  }
  static task<bool> close_it(StreamableHttpTransport* transport) {
    co_await transport->close();
    co_return true;
  }
  static task<RpcReply> ask(StreamableHttpTransport* transport, std::string method,
                            std::string params, RequestOptions options) {
    co_return co_await transport->request(method, params, options);
  }

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<CurlClient> client_;
  std::unique_ptr<DemoServer> server_;
  RpcCodec codec_;
  CancelScope scope_;
  std::unique_ptr<StreamableHttpTransport> transport_;
};

TEST_P(HttpDemoServerTest, CallsItsTools) {
  EXPECT_EQ(protocol::mcp::facts_of(transport_->server_info().revision).era, GetParam().era);
  for (int round = 0; round < 3; ++round) {
    const RpcReply echo = call("echo", R"({"message":"hello there"})");
    ASSERT_EQ(echo.outcome, Outcome::kOk) << echo.error.message();
    EXPECT_NE(echo.body.view().find("hello there"), std::string_view::npos);
  }
  const RpcReply large = call("blob", R"({"bytes":1000000})");
  ASSERT_EQ(large.outcome, Outcome::kOk) << large.error.message();
  EXPECT_GT(large.body.size(), 1'000'000U);
}

TEST_P(HttpDemoServerTest, HearsOfProgress) {
  Steps steps;
  const RpcReply reply = call("progress", R"({"steps":3,"ms":5})", {.progress = &steps});
  ASSERT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
  EXPECT_EQ(steps.count, 3);
}

TEST_P(HttpDemoServerTest, ErrorsAreThePeers) {
  EXPECT_EQ(call("nobody", "{}").outcome, Outcome::kPeerError);
  EXPECT_EQ(request("no/such/method", "").outcome, Outcome::kPeerError);
}

TEST_P(HttpDemoServerTest, ACallThatKillsTheServerIsUnknownAndLaterOnesAreNotSent) {
  EXPECT_EQ(call("echo", R"({"message":"warm"})").outcome, Outcome::kOk);
  EXPECT_EQ(call("crash", "{}").outcome, Outcome::kUnknown);
  server_->stop();
  EXPECT_EQ(call("echo", R"({"message":"x"})").outcome, Outcome::kNotSent);
}

TEST_P(HttpDemoServerTest, AServerThatWasStartedAnewServesOn) {
  const std::string place = server_->place();
  server_->stop();
  start_server(place);
  const RpcReply reply = call("echo", R"({"message":"again"})");
  EXPECT_EQ(reply.outcome, Outcome::kOk) << reply.error.message();
}

INSTANTIATE_TEST_SUITE_P(
    Ways, HttpDemoServerTest,
    testing::Values(HttpDemoCase{Era::kModern, false}, HttpDemoCase{Era::kModern, true},
                    HttpDemoCase{Era::kLegacy, false}, HttpDemoCase{Era::kLegacy, true}),
    [](const auto& info) {
      return std::string(info.param.era == Era::kModern ? "Modern" : "Legacy") +
             (info.param.streams ? "Streams" : "Json");
    });

}  // namespace
}  // namespace mcpwire::io
