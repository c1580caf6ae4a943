// SPDX-License-Identifier: MIT
#include "tests/io/http/http_behaviours.hpp"

#include <algorithm>
#include <cstdio>

namespace mcpwire::io {

using protocol::Outcome;
using Peer = ScriptConnection;
using Request = ScriptRequest;

std::atomic<std::size_t> behaviour_variant = 0;

std::string result_for(const ScriptRequest& request, std::string_view result) {
  const std::size_t begin = request.body.find("\"id\":") + 5;
  const std::string id =
      request.body.substr(begin, request.body.find_first_of(",}", begin) - begin);
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + std::string(result) + "}";
}

namespace {

constexpr std::string_view kJsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

std::string whole_answer(const Request& request) {
  const std::string body = result_for(request);
  return std::string(kJsonHead) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string whole_stream(const Request& request) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
         "event: message\r\nid: 1\r\ndata: " +
         result_for(request) + "\r\n\r\n";
}

auto status(int code, std::string_view headers = {}, std::string_view body = {}) {
  return
      [code, headers = std::string(headers), body = std::string(body)](Peer& peer, const Request&) {
        peer.answer(code, body.empty() ? "" : "text/html", body, headers);
        peer.wait_for_end();
      };
}

auto says_raw(std::string text) {
  return [text = std::move(text)](Peer& peer, const Request&) { peer.send(text); };
}

auto json_body(std::string body) {
  return [body = std::move(body)](Peer& peer, const Request&) {
    peer.json(body);
    peer.wait_for_end();
  };
}

void flood(Peer& peer, std::string_view head, std::string_view piece) {
  peer.send(head);
  std::string many;
  while (many.size() < 16384) many += piece;
  for (int round = 0; round < 10'000 && peer.send(many); ++round) {
  }
}

void dribble(Peer& peer, std::string_view text) {
  for (const char c : text) {
    if (!peer.send(std::string_view(&c, 1))) return;
  }
  peer.wait_for_end();
}

void stall(Peer& peer, std::string_view text) {
  peer.send(text);
  peer.wait_for_end();
}

using Behaviours = std::vector<HttpBehaviour>;

void add_connections(Behaviours& all) {
  const auto nothing = [](Peer&, const Request&) {};
  all.push_back({.name = "refuses the connection",
                 .outcome = Outcome::kNotSent,
                 .script = nothing,
                 .says = "cannot be reached",
                 .url = "http://127.0.0.1:1/mcp"});
  all.push_back({.name = "has a name that does not resolve",
                 .outcome = Outcome::kNotSent,
                 .script = nothing,
                 .says = "resolved",
                 .url = "http://nobody.invalid/mcp"});
  all.push_back({.name = "speaks no TLS at an https URL",
                 .outcome = Outcome::kNotSent,
                 .script = nothing,
                 .says = "TLS",
                 .url = "https://127.0.0.1:PORT/mcp"});
  all.push_back({.name = "closes without an answer",
                 .outcome = Outcome::kUnknown,
                 .script = nothing,
                 .says = "without an answer"});
  all.push_back({.name = "resets the connection without an answer",
                 .outcome = Outcome::kUnknown,
                 .script = [](Peer& peer, const Request&) { peer.reset(); }});
  all.push_back({.name = "never answers",
                 .outcome = Outcome::kUnknown,
                 .script = [](Peer& peer, const Request&) { peer.wait_for_end(); },
                 .stalls = true});
  all.push_back({.name = "reads the call on a kept connection and closes it",
                 .outcome = Outcome::kUnknown,
                 .script = nothing,
                 .keeps_connection = true});
  all.push_back(
      {.name = "closes a kept connection before the call",
       .outcome = Outcome::kOk,
       .script = [](Peer& peer, const Request& request) { peer.json(result_for(request)); },
       .closes_quietly = true});
  all.push_back({.name = "says Connection: close with its answer",
                 .outcome = Outcome::kOk,
                 .script = [](Peer& peer, const Request& request) {
                   peer.answer(200, "application/json", result_for(request),
                               "Connection: close\r\n");
                 }});
}

void add_framing(Behaviours& all) {
  all.push_back({.name = "breaks off or resets at any byte of its answer",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request& request) {
                       const std::string text = whole_answer(request);
                       const std::size_t at = behaviour_variant / 2 * 3;
                       peer.send(std::string_view(text).substr(0, std::min(at, text.size() - 1)));
                       if (behaviour_variant % 2 == 1) peer.reset();
                     },
                 .variants = 80});
  all.push_back(
      {.name = "sends its answer byte by byte",
       .outcome = Outcome::kOk,
       .script = [](Peer& peer, const Request& request) { dribble(peer, whole_answer(request)); }});
  all.push_back(
      {.name = "stalls in the middle of its headers",
       .outcome = Outcome::kUnknown,
       .script = [](Peer& peer, const Request&) { stall(peer, "HTTP/1.1 200 OK\r\nA: "); },
       .stalls = true});
  all.push_back({.name = "stalls in the middle of its body",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request&) {
                       stall(peer, std::string(kJsonHead) + "Content-Length: 100\r\n\r\n{");
                     },
                 .stalls = true});
  all.push_back({.name = "promises more bytes than it sends",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request& request) {
                       peer.send(std::string(kJsonHead) + "Content-Length: 9999\r\n\r\n" +
                                 result_for(request));
                     },
                 .says = "broke off"});
  all.push_back({.name = "promises fewer bytes than it sends",
                 .outcome = Outcome::kUnknown,
                 .script = [](Peer& peer, const Request& request) {
                   peer.send(std::string(kJsonHead) + "Content-Length: 10\r\n\r\n" +
                             result_for(request));
                   peer.wait_for_end();
                 }});
  all.push_back({.name = "sends Content-Length and chunks",
                 .outcome = Outcome::kOk,
                 .script = [](Peer& peer, const Request& request) {
                   const std::string body = result_for(request);
                   char size[16];
                   std::snprintf(size, sizeof size, "%zx", body.size());
                   peer.send(std::string(kJsonHead) +
                             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + size +
                             "\r\n" + body + "\r\n0\r\n\r\n");
                   peer.wait_for_end();
                 }});
  all.push_back({.name = "sends a chunk size that is no number",
                 .outcome = Outcome::kUnknown,
                 .script = says_raw(std::string(kJsonHead) +
                                    "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")});
  all.push_back({.name = "sends a Content-Length that is no number",
                 .outcome = Outcome::kUnknown,
                 .script = says_raw(std::string(kJsonHead) + "Content-Length: -5\r\n\r\n{}")});
  all.push_back({.name = "does not speak HTTP",
                 .outcome = Outcome::kUnknown,
                 .script = says_raw("SSH-2.0-OpenSSH_9.2\r\n"),
                 .says = "HTTP"});
}

void add_sizes(Behaviours& all) {
  all.push_back({.name = "sends headers without end",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request&) {
                       flood(peer, "HTTP/1.1 200 OK\r\n", "X-A: bbbbbbbbbbbbbbbb\r\n");
                     },
                 .says = "limits.headerBytes"});
  all.push_back(
      {.name = "sends one header line without end",
       .outcome = Outcome::kUnknown,
       .script = [](Peer& peer,
                    const Request&) { flood(peer, "HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxxxxxxxx"); },
       .says = "header"});
  all.push_back({.name = "sends interim responses without end",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request&) {
                       flood(peer, "", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
                     },
                 .says = "limits.headerBytes"});
  all.push_back({.name = "sends chunks without end",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request&) {
                       flood(peer, std::string(kJsonHead) + "Transfer-Encoding: chunked\r\n\r\n",
                             "10\r\n                \r\n");
                     },
                 .says = "limits.messageBytes"});
  all.push_back({.name = "sends a compressed body, a bomb perhaps",
                 .outcome = Outcome::kUnknown,
                 .script = status(200, "Content-Encoding: gzip\r\n", "\x1f\x8b"),
                 .says = "compressed"});
  all.push_back({.name = "sends an event without end",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request&) {
                       peer.stream();
                       flood(peer, "data: ", "xxxxxxxxxxxxxxxx");
                     },
                 .says = "limits.messageBytes"});
  all.push_back({.name = "sends comments for long before its answer",
                 .outcome = Outcome::kOk,
                 .script = [](Peer& peer, const Request& request) {
                   peer.stream();
                   const std::string comments(200'000, ':');
                   peer.send(comments + "\n:\n:\n\ndata: " + result_for(request) + "\n\n");
                 }});
}

void add_statuses(Behaviours& all) {
  all.push_back({.name = "redirects",
                 .outcome = Outcome::kRejected,
                 .script =
                     [](Peer& peer, const Request&) {
                       static constexpr int kStatuses[] = {301, 302, 303, 307, 308};
                       peer.answer(kStatuses[behaviour_variant], "", "", "Location: /mcp\r\n");
                       peer.wait_for_end();
                     },
                 .says = "redirect",
                 .variants = 5});
  all.push_back({.name = "answers 401",
                 .outcome = Outcome::kRejected,
                 .script = status(401, "WWW-Authenticate: Bearer\r\n"),
                 .says = "authorization"});
  all.push_back({.name = "answers 403",
                 .outcome = Outcome::kRejected,
                 .script = status(403),
                 .says = "authorization"});
  all.push_back({.name = "answers 400, 404, 405, 413 or 415 without JSON-RPC",
                 .outcome = Outcome::kRejected,
                 .script =
                     [](Peer& peer, const Request& request) {
                       static constexpr int kStatuses[] = {400, 404, 405, 413, 415};
                       status(kStatuses[behaviour_variant], "", "<html>")(peer, request);
                     },
                 .variants = 5});
  all.push_back({.name = "answers 429 with an odd Retry-After",
                 .outcome = Outcome::kRejected,
                 .script = status(429, "Retry-After: soon, -1\r\n"),
                 .says = "429"});
  all.push_back({.name = "answers 500, 502, 503 or 504",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request& request) {
                       static constexpr int kStatuses[] = {500, 502, 503, 504};
                       status(kStatuses[behaviour_variant], "Retry-After: x\r\n")(peer, request);
                     },
                 .says = "HTTP 50",
                 .variants = 4});
  all.push_back({.name = "answers 400 with a JSON-RPC error",
                 .outcome = Outcome::kPeerError,
                 .script = [](Peer& peer, const Request&) {
                   peer.answer(400, "application/json",
                               R"({"jsonrpc":"2.0","id":null,"error":{"code":-32602,)"
                               R"("message":"no"}})");
                   peer.wait_for_end();
                 }});
  all.push_back({.name = "answers 202 to a request",
                 .outcome = Outcome::kUnknown,
                 .script = status(202),
                 .says = "no answer"});
  all.push_back({.name = "has lost the session (404)",
                 .outcome = Outcome::kOk,
                 .script =
                     [](Peer& peer, const Request& request) {
                       if (request.header("Mcp-Session-Id") == "s2") {
                         peer.json(result_for(request));
                       } else {
                         peer.answer(404, "", "", "Connection: close\r\n");
                       }
                     },
                 .is_legacy = true,
                 .runs_twice = true});
}

void add_bodies(Behaviours& all) {
  all.push_back({.name = "answers with another content type",
                 .outcome = Outcome::kUnknown,
                 .script = status(200, "", "<html>hello</html>"),
                 .says = "no answer"});
  all.push_back({.name = "answers with what is no JSON",
                 .outcome = Outcome::kUnknown,
                 .script = json_body("{\"jsonrpc\":\"2.0\",")});
  all.push_back({.name = "answers another request's id",
                 .outcome = Outcome::kUnknown,
                 .script = json_body(R"({"jsonrpc":"2.0","id":77777,"result":{}})")});
  all.push_back({.name = "answers twice",
                 .outcome = Outcome::kOk,
                 .script = [](Peer& peer, const Request& request) {
                   peer.stream();
                   const std::string event = "data: " + result_for(request) + "\n\n";
                   peer.send(event + event);
                 }});
  all.push_back({.name = "cuts its stream at any byte (modern)",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request& request) {
                       const std::string text = whole_stream(request);
                       const std::size_t at = behaviour_variant * 3;
                       peer.send(std::string_view(text).substr(0, std::min(at, text.size() - 3)));
                     },
                 .variants = 50});
  all.push_back({.name = "cuts its stream behind an event id (legacy)",
                 .outcome = Outcome::kOk,
                 .script =
                     [](Peer& peer, const Request& request) {
                       // The first request of a conversation after the handshake: its id is known.
                       const ScriptRequest asked{"x", "{\"id\":3}"};
                       if (request.is("GET")) {
                         peer.stream();
                         peer.send("data: " + result_for(asked) + "\n\n");
                       } else {
                         peer.stream();
                         peer.send("id: 7\nretry: 10\ndata:\n\n");
                       }
                     },
                 .is_legacy = true});
  all.push_back({.name = "keeps its stream open behind the answer",
                 .outcome = Outcome::kOk,
                 .script = [](Peer& peer, const Request& request) {
                   peer.stream();
                   peer.send("data: " + result_for(request) + "\n\n");
                   peer.wait_for_end();
                 }});
}

}  // namespace

const std::vector<HttpBehaviour>& http_behaviours() {
  static const Behaviours kAll = [] {
    Behaviours all;
    add_connections(all);
    add_framing(all);
    add_sizes(all);
    add_statuses(all);
    add_bodies(all);
    add_odd_answers(all);
    return all;
  }();
  return kAll;
}

}  // namespace mcpwire::io
