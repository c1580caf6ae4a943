// SPDX-License-Identifier: MIT
//
// HttpEndpoint: MCP over Streamable HTTP behind one URL, modern and legacy: which requests are
// served, by which revision and session, and with which status. Knows no sockets.
//
// A request whose _meta names a revision is modern and needs nothing but itself. Everything else is
// legacy and belongs to a session, which `initialize` begins and DELETE ends.
#pragma once

#include "protocol/base/seams/clock.hpp"
#include "tools/demo_server/host.hpp"
#include "tools/demo_server/http_message.hpp"
#include "tools/demo_server/session.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::demo {

/// A whole answer.
struct HttpAnswer {
  int status = 200;
  std::string headers;  ///< "Name: value\r\n" each, beside those of the body.
  std::string json;     ///< Empty: no body.
};

/// A request that is being worked on: what it has to say is in `out`, line by line.
struct HttpWork {
  HttpWork(SessionOptions options, Host& host) : session(options, host, out) {}
  std::string out;
  Session session;
  std::string headers;  ///< For the answer.
  bool is_modern = false;
  bool is_over() const noexcept { return session.next_due_ns() == kNever; }
};

class HttpEndpoint {
 public:
  HttpEndpoint(SessionOptions options, Host& host) : options_(options), host_(host) {}

  /// Either an answer, or work that may already be over.
  struct Begun {
    std::optional<HttpAnswer> answer;
    std::unique_ptr<HttpWork> work;
  };
  Begun begin(const HttpMessage& message);

  /// The answer to work that is over and has said one line at most.
  HttpAnswer answer_of(const HttpWork& work);

 private:
  /// What of a body decides where it goes.
  struct Claim {
    std::string method;   ///< Empty: an answer, or nothing that can be read.
    std::string version;  ///< Of _meta; empty if there is none.
    std::string name;     ///< params.name.
    std::string id;       ///< Raw.
  };
  Claim read_claim(std::string_view body);
  std::optional<HttpAnswer> check_headers(const HttpMessage& message, const Claim& claim);
  Begun begin_post(const HttpMessage& message);
  HttpAnswer end_session(const HttpMessage& message);
  std::string new_session_id();

  SessionOptions options_;
  Host& host_;
  std::map<std::string, Revision, std::less<>> sessions_;
  protocol::json::EnvelopeParser parser_;
  protocol::json::ValueReader reader_;
};

}  // namespace mcpwire::demo
