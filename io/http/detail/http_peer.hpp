// SPDX-License-Identifier: MIT
//
// HttpPeer: the server at the other end, and how requests to it look: what all parts of one
// conversation share.
//
// Threading: the loop's thread.
#pragma once

#include "io/detail/rpc_session.hpp"
#include "io/http/endpoint.hpp"
#include "io/http/http_client.hpp"
#include "io/http/parameter_headers.hpp"
#include "io/mcp/outgoing_observer.hpp"
#include "io/transport_limits.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/mcp/revision.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io::detail {

struct HttpPeer {
  EventLoop& loop;
  HttpClient& client;
  RpcCodec& codec;
  HttpEndpoint endpoint;
  TransportLimits limits;
  OutgoingObserver* outgoing = nullptr;  ///< May be null.

  std::string post_url;  ///< The endpoint's, or the one that the server named on its stream.
  /// What was agreed on; while the server is probed, what it is asked in. Nothing: no header says.
  std::optional<protocol::mcp::Revision> revision = {};
  std::string session_id = {};  ///< Empty: none.
  /// HTTP+SSE: answers come on the GET stream, not to the POST that asked.
  bool answers_on_stream = false;
  ToolHeaders tools = {};

  bool has(bool protocol::mcp::RevisionFacts::* fact) const noexcept {
    return revision.has_value() && protocol::mcp::facts_of(*revision).*fact;
  }

  /// A POST of one JSON-RPC message. `method` is empty for an answer; `params` are its raw
  /// parameters, from which headers are made; `repeat` is for the connection.
  HttpRequest post(std::shared_ptr<const std::string> body, std::string_view method,
                   std::string_view params, HttpRepeat repeat);
  /// A stream of events, that behind `last_event_id` if there is one.
  HttpRequest listen(std::string_view last_event_id);
  /// The end of the session.
  HttpRequest end_session();

  /// `text` of the server's, or about it, fit to be shown: without secrets.
  std::string shown(std::string_view text) const;

 private:
  HttpRequest begin(HttpMethod method, const std::string& url) const;
  void add_agreement(HttpRequest& request) const;
  void add_standard_headers(HttpRequest& request, std::string_view method, std::string_view params);
};

/// The request's body: `line` without its newline.
std::shared_ptr<const std::string> body_of_line(std::string line);

}  // namespace mcpwire::io::detail
