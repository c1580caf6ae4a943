// SPDX-License-Identifier: MIT
//
// FakeHttpClient: an HTTP server of a test's making, without a network: the test says when each
// request goes out and what comes back.
//
// Threading: one thread.
#pragma once

#include "io/http/http_client.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::io {

/// One request, as long as the test looks at it.
struct FakeExchange {
  HttpRequest request;
  HttpSink* sink = nullptr;
  bool is_given_up = false;  ///< By who made it, before its end.
  bool is_over = false;
  bool is_paused = false;

  std::string body() const { return request.body == nullptr ? "" : *request.body; }
  /// The value of a header; "(none)" if it is not sent.
  std::string header(std::string_view name) const {
    for (const std::string& line : request.headers) {
      if (!line.starts_with(name) || line.size() <= name.size()) continue;
      if (line[name.size()] == ';') return "";
      if (line[name.size()] == ':') return line.substr(name.size() + 2);
    }
    return "(none)";
  }

  bool is_live() const noexcept { return !is_given_up && !is_over; }
  /// The request goes out. False: it may not.
  bool go_out() { return is_live() && sink->may_send(); }
  void head(int status, std::string_view type, std::string_view headers = {}) {
    std::string lines(headers);
    if (!type.empty()) lines += "Content-Type: " + std::string(type) + "\r\n";
    if (is_live()) sink->on_head(HttpHead(status, lines));
  }
  void stream(std::string_view headers = {}) { head(200, "text/event-stream", headers); }
  void feed(std::string_view bytes) {
    if (is_live()) sink->on_body(bytes);
  }
  void event(std::string_view data, std::string_view fields = {}) {
    feed(std::string(fields) + "data: " + std::string(data) + "\n\n");
  }
  void finish() {
    if (is_live()) end_with({});
  }
  void fail(ErrorKind kind, bool may_have_been_sent) {
    if (is_live()) {
      end_with({Error::with_detail(kind, ErrorCode::kClosed, "broken"), may_have_been_sent});
    }
  }

 private:
  void end_with(const HttpEnd& end) {
    is_over = true;
    sink->on_end(end);
  }
};

class FakeHttpClient final : public HttpClient {
 public:
  std::unique_ptr<HttpExchange> start(HttpRequest request, HttpSink& sink) override {
    FakeExchange& made = exchanges.emplace_back();
    made.request = std::move(request);
    made.sink = &sink;
    return std::make_unique<Handle>(made);
  }

  std::deque<FakeExchange> exchanges;

 private:
  class Handle final : public HttpExchange {
   public:
    explicit Handle(FakeExchange& exchange) noexcept : exchange_(exchange) {}
    ~Handle() override {
      if (!exchange_.is_over) exchange_.is_given_up = true;
    }
    void pause() override { exchange_.is_paused = true; }
    void resume() override { exchange_.is_paused = false; }

   private:
    FakeExchange& exchange_;
  };
};

}  // namespace mcpwire::io
