// SPDX-License-Identifier: MIT
//
// HttpConversation: a transport on a real network for a test that is no coroutine itself: each step
// runs the loop until it is done.
//
// Threading: the loop's thread.
#pragma once

#include "io/http/streamable_http_transport.hpp"
#include "io/loop.hpp"
#include "tests/io/started_task.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::io {

class HttpConversation {
 public:
  using Call = StartedTask<RpcReply>;

  /// All referred to outlives it.
  HttpConversation(Loop& loop, HttpClient& client, RpcCodec& codec, StreamableHttpOptions options)
      : loop_(loop), transport_(loop, client, codec, std::move(options)) {}
  HttpConversation(const HttpConversation&) = delete;
  HttpConversation& operator=(const HttpConversation&) = delete;
  ~HttpConversation() {
    StartedTask<bool> closed(loop_, close_it(&transport_));
    finish(closed);
  }

  Result<void> open() {
    StartedTask<Result<void>> opened(loop_, open_it(&transport_, &scope_));
    return finish(opened);
  }
  /// A tools/call. What `options` refers to outlives it.
  std::unique_ptr<Call> start_call(std::string_view tool, std::string_view arguments = "{}",
                                   RequestOptions options = {}) {
    std::string params = R"({"name":")" + std::string(tool) + R"(","arguments":)";
    params.append(arguments).append("}");
    if (options.scope == nullptr) options.scope = &scope_;
    return std::make_unique<Call>(loop_, call_it(&transport_, std::move(params), options));
  }
  RpcReply call(std::string_view tool, std::string_view arguments = "{}",
                RequestOptions options = {}) {
    const std::unique_ptr<Call> made = start_call(tool, arguments, options);
    return std::move(finish(*made));
  }
  template <class T>
  T& finish(StartedTask<T>& started) {
    while (!started.is_done()) loop_.run_once(kNever);
    return started.result();
  }
  StreamableHttpTransport& transport() noexcept { return transport_; }

 private:
  static task<Result<void>> open_it(StreamableHttpTransport* transport, CancelScope* scope) {
    co_return co_await transport->open(*scope, kNever);
  }
  static task<RpcReply> call_it(StreamableHttpTransport* transport, std::string params,
                                RequestOptions options) {
    co_return co_await transport->request("tools/call", params, options);
  }
  static task<bool> close_it(StreamableHttpTransport* transport) {
    co_await transport->close();
    co_return true;
  }

  Loop& loop_;
  StreamableHttpTransport transport_;
  CancelScope scope_;
};

}  // namespace mcpwire::io
