// SPDX-License-Identifier: MIT
//
// Holds one conversation in each revision of MCP over StdioTransport, with every message that it
// can send, and prints what went over the pipe: a line `<revision> > <message>` for what we wrote
// and `<revision> < <message>` for what the server did. tests/io/check_outgoing.py reads it.
//
// The server's part is played here, on a fake process.
#include "io/scope.hpp"
#include "io/stdio_transport.hpp"
#include "protocol/base/check.hpp"
#include "protocol/mcp/method.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_process_spawner.hpp"

#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

namespace mcp = protocol::mcp;

/// Parameters that the schemas require.
const std::map<std::string_view, std::vector<std::string>> kParams = {
    {"tools/list", {"{}", R"({"cursor":""})"}},
    {"tools/call", {R"({"name":"x"})", "{\"name\":\"x\",\n\"arguments\":{\"a\":[1.0e3]}}"}},
    {"resources/read", {R"({"uri":"file:///a"})"}},
    {"resources/subscribe", {R"({"uri":"file:///a"})"}},
    {"resources/unsubscribe", {R"({"uri":"file:///a"})"}},
    {"prompts/get", {R"({"name":"p"})", R"({"name":"p","arguments":{"a":"b"}})"}},
    {"completion/complete",
     {R"({"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"b"}})"}},
    {"logging/setLevel", {R"({"level":"info"})"}},
    {"subscriptions/listen", {R"({"notifications":{"toolsListChanged":true}})"}},
    {"tasks/get", {R"({"taskId":"t"})"}},
    {"tasks/result", {R"({"taskId":"t"})"}},
    {"tasks/cancel", {R"({"taskId":"t"})"}},
    {"tasks/update", {R"({"taskId":"t","inputResponses":{}})"}},
    {"skills/get", {R"({"uri":"skill://a"})"}},
    {"resources/directory/read", {R"({"uri":"skill://a"})"}},
};

/// What a server asks, and what a client answers.
const std::vector<std::pair<std::string, std::string>> kQuestions = {
    {R"("method":"roots/list")", R"({"roots":[{"uri":"file:///a","name":"a"}]})"},
    {R"("method":"sampling/createMessage","params":{"messages":[],"maxTokens":1})",
     R"({"role":"assistant","model":"m","content":{"type":"text","text":"hi"}})"},
    {R"("method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object",)"
     R"("properties":{}}})",
     R"({"action":"accept","content":{"a":"b"}})"},
};

class Recorder final : private OutgoingObserver, private ServerRequestSink, private ProgressSink {
 public:
  explicit Recorder(mcp::Revision revision) : revision_(revision), shown_(revision) {}

  void run(bool is_probed) {
    open(is_probed);
    send_all_methods();
    if (!mcp::is_modern(revision_)) answer_all_questions();
    give_up_a_call();
    close();
  }

 private:
  void open(bool is_probed) {
    StdioTransportOptions options;
    options.server.program = "/bin/server";
    options.outgoing = this;
    if (!is_probed) options.negotiation.pinned_revision = revision_;
    transport_ = std::make_unique<StdioTransport>(loop_, spawner_, codec_, std::move(options));
    // A probe is a modern message, whatever comes of it.
    if (is_probed) shown_ = mcp::kNewestRevision;
    scope_.spawn(keep_open(transport_.get(), &open_scope_));
    loop_.run_until_idle();
    if (is_probed) {
      shown_ = revision_;
      say(R"("id":1,"error":{"code":-32601,"message":"Method not found"})");
    }
    const std::string name(mcp::facts_of(revision_).name);
    if (mcp::is_modern(revision_)) {
      answer(1, R"({"resultType":"complete","supportedVersions":[")" + name +
                    R"("],"capabilities":{},"ttlMs":0,"cacheScope":"public"})");
    } else {
      answer(is_probed ? 2 : 1,
             R"({"protocolVersion":")" + name +
                 R"(","capabilities":{},"serverInfo":{"name":"s","version":"1"}})");
    }
    MCPWIRE_CHECK(transport_->is_open());
    next_id_ = is_probed ? 3 : 2;
  }

  void send_all_methods() {
    for (const mcp::MethodFacts& method : mcp::all_methods()) {
      const bool is_ours = method.kind == mcp::MethodKind::kRequest &&
                           method.to_server.contains(revision_) &&
                           method.name != mcp::kInitialize && method.name != mcp::kDiscover;
      if (!is_ours) continue;
      const auto params = kParams.find(method.name);
      const std::vector<std::string> none = {""};
      for (const std::string& each : params == kParams.end() ? none : params->second) {
        RequestOptions options;
        exchange(method.name, each, options);
        options.progress = this;
        options.meta = R"({"traceparent":"00-1-2-01","com.example/x":[1],"progressToken":"mine"})";
        options.abilities = mcp::ClientAbilities::all();
        exchange(method.name, each, options);
      }
    }
  }

  void exchange(std::string_view method, std::string_view params, RequestOptions options) {
    CancelScope own;
    options.scope = &own;
    scope_.spawn(keep_reply(transport_.get(), std::string(method), std::string(params), options));
    loop_.run_until_idle();
    answer(next_id_++, "{}");
  }

  void answer_all_questions() {
    for (const auto& [question, its_answer] : kQuestions) {
      for (const char* id : {"0", "\"q\""}) {
        // Answered, left unanswered, and with nobody there to ask.
        answer_ = its_answer;
        ask_during_a_call(id, question);
        answer_.reset();
        ask_during_a_call(id, question);
        say("\"id\":" + std::string(id) + "," + question);
      }
    }
    say(R"("id":7,"method":"ping")");
    say(R"("id":8,"method":"tasks/result","params":{"taskId":"t"})");
  }

  void ask_during_a_call(const std::string& id, const std::string& question) {
    CancelScope own;
    RequestOptions options;
    options.scope = &own;
    options.abilities = mcp::ClientAbilities::all();
    options.server_requests = this;
    scope_.spawn(keep_reply(transport_.get(), "tools/call", R"({"name":"x"})", options));
    loop_.run_until_idle();
    say("\"id\":" + id + "," + question);
    answer(next_id_++, "{}");
  }

  void give_up_a_call() {
    CancelScope own;
    RequestOptions options;
    options.scope = &own;
    scope_.spawn(keep_reply(transport_.get(), "tools/call", R"({"name":"x"})", options));
    loop_.run_until_idle();
    own.cancel(CancelCause::kCaller);
    loop_.run_until_idle();
  }

  void close() {
    scope_.spawn(keep_close(transport_.get()));
    loop_.advance_ns(60 * kNanosecondsPerSecond);
    MCPWIRE_CHECK(scope_.running() == 0);
  }

  void answer(int id, const std::string& result) {
    say("\"id\":" + std::to_string(id) + ",\"result\":" + result);
  }
  /// The server writes a message with these members.
  void say(const std::string& members) {
    const std::string message = R"({"jsonrpc":"2.0",)" + members + "}";
    print('<', message);
    spawner_.child(0).output.feed(message + "\n");
    loop_.run_until_idle();
  }
  void print(char direction, std::string_view message) const {
    std::cout << mcp::facts_of(shown_).name << ' ' << direction << ' ' << message << '\n';
  }

  void on_outgoing(std::string_view message) override { print('>', message); }
  void on_server_request(std::unique_ptr<ServerRequest> request) override {
    if (answer_.has_value()) request->answer(*answer_);
  }
  void on_progress(std::string_view) override {}

  static task<Result<void>> keep_open(StdioTransport* transport, CancelScope* scope) {
    const Result<void> opened = co_await transport->open(*scope, kNever);
    MCPWIRE_CHECK(opened.has_value());
    co_return Result<void>{};
  }
  static task<Result<void>> keep_reply(StdioTransport* transport, std::string method,
                                       std::string params, RequestOptions options) {
    const RpcReply reply = co_await transport->request(method, params, options);
    MCPWIRE_CHECK(reply.outcome == protocol::Outcome::kOk ||
                  reply.outcome == protocol::Outcome::kCancelled);
    co_return Result<void>{};
  }
  static task<Result<void>> keep_close(StdioTransport* transport) {
    co_await transport->close();
    co_return Result<void>{};
  }

  mcp::Revision revision_;
  mcp::Revision shown_;
  int next_id_ = 0;
  std::optional<std::string> answer_;
  test_support::FakeEventLoop loop_;
  test_support::FakeProcessSpawner spawner_{loop_};
  RpcCodec codec_;
  CancelScope open_scope_;
  std::unique_ptr<StdioTransport> transport_;
  Scope scope_{loop_};
};

}  // namespace
}  // namespace mcpwire::io

int main() {
  for (const auto revision : mcpwire::protocol::mcp::kRevisions) {
    mcpwire::io::Recorder(revision).run(false);
  }
  mcpwire::io::Recorder(mcpwire::protocol::mcp::kNewestLegacyRevision).run(true);
}
