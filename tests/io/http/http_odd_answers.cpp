// SPDX-License-Identifier: MIT
//
// Rows of http_behaviours(): answers that are whole, and odd.
#include "tests/io/http/http_behaviours.hpp"

#include <cstdio>
#include <utility>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using Peer = ScriptConnection;
using Request = ScriptRequest;
/// The bytes of an answer to a request.
using Answer = std::string (*)(const Request&);

constexpr std::string_view kJsonHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

std::string json(std::string_view body, std::string_view headers = {}) {
  return std::string(kJsonHead) + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string stream(std::string_view text) { return std::string(kStreamHead) + std::string(text); }

std::string chunked(std::string_view body, std::string_view codings, std::string_view end) {
  char size[16];
  std::snprintf(size, sizeof size, "%zx", body.size());
  return std::string(kJsonHead) + "Transfer-Encoding: " + std::string(codings) + "\r\n\r\n" + size +
         "\r\n" + std::string(body) + "\r\n0\r\n" + std::string(end);
}

std::string id_of(const Request& request) {
  const std::string whole = result_for(request, "{}");
  const std::size_t begin = whole.find("\"id\":") + 5;
  return whole.substr(begin, whole.find(',', begin) - begin);
}

/// One variant for each answer; afterwards the connection stays open.
HttpBehaviour row(std::string name, Outcome outcome, std::string says,
                  std::vector<Answer> answers) {
  const std::size_t variants = answers.size();
  return {.name = std::move(name),
          .outcome = outcome,
          .script =
              [answers = std::move(answers)](Peer& peer, const Request& request) {
                peer.send(answers[behaviour_variant](request));
                peer.wait_for_end();
              },
          .says = std::move(says),
          .variants = variants};
}

void add_heads(std::vector<HttpBehaviour>& all) {
  all.push_back(row(
      "sends a body that is compressed on its way", Outcome::kUnknown, "compressed",
      {[](const Request& request) { return chunked(result_for(request), "gzip, chunked", "\r\n"); },
       [](const Request& request) {
         return chunked(result_for(request), "chunked\r\nTransfer-Encoding: deflate", "\r\n");
       }}));
  all.push_back(row("switches protocols", Outcome::kUnknown, "HTTP 101", {[](const Request&) {
                      return std::string("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n");
                    }}));
  all.push_back(row(
      "sends a header with a NUL, or two Content-Lengths", Outcome::kUnknown, "",
      {[](const Request& request) {
         return json(result_for(request), std::string_view("X-A: a\0b\r\n", 10));
       },
       [](const Request& request) { return json(result_for(request), "Content-Length: 5\r\n"); }}));
  all.push_back(row("answers 204, or 200 with no body", Outcome::kUnknown, "no answer",
                    {[](const Request&) { return std::string("HTTP/1.1 204 No Content\r\n\r\n"); },
                     [](const Request&) { return json(""); },
                     [](const Request&) {
                       return std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                     }}));
  all.push_back(row("answers 401 or 403 with a JSON-RPC error", Outcome::kRejected, "because I say",
                    {[](const Request& request) {
                       const std::string body =
                           R"({"jsonrpc":"2.0","id":)" + id_of(request) +
                           R"(,"error":{"code":-32001,"message":"because I say so"}})";
                       return "HTTP/1.1 401 X" + json(body).substr(kJsonHead.find('\r'));
                     },
                     [](const Request&) {
                       constexpr std::string_view kBody =
                           R"({"jsonrpc":"2.0","id":null,)"
                           R"("error":{"code":-32001,"message":"because I say so"}})";
                       return "HTTP/1.1 403 X" + json(kBody).substr(kJsonHead.find('\r'));
                     }}));
  all.push_back(row("answers 407", Outcome::kRejected, "proxy", {[](const Request&) {
                      return std::string("HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n");
                    }}));
}

void add_texts(std::vector<HttpBehaviour>& all) {
  all.push_back(
      row("answers with JSON that the rules forbid", Outcome::kUnknown, "",
          {[](const Request& request) { return json("[" + result_for(request) + "]"); },
           [](const Request& request) { return json(result_for(request) + result_for(request)); },
           [](const Request& request) { return json(result_for(request, R"({"a":NaN})")); },
           [](const Request& request) {
             return json(result_for(
                 request, "{\"a\":" + std::string(500, '[') + std::string(500, ']') + "}"));
           },
           [](const Request& request) { return json(result_for(request, "{\"a\":\"\xff\"}")); }}));
  all.push_back(row("gives the id back as a text, or answers what cannot be read, and goes on",
                    Outcome::kUnknown, "cannot be read",
                    {[](const Request& request) {
                       return stream(R"(data: {"jsonrpc":"2.0","id":")" + id_of(request) +
                                     R"(","result":{}})" + "\n\n");
                     },
                     [](const Request& request) {
                       return stream("data: " + result_for(request, "{\"a\":NaN}") + "\n\n");
                     }}));
  all.push_back(row("answers twice what it was asked once, in one body after the other",
                    Outcome::kOk, "", {[](const Request& request) {
                      return json(result_for(request)) + json(result_for(request, "{\"evil\":1}"));
                    }}));
}

void add_streams(std::vector<HttpBehaviour>& all) {
  all.push_back(
      row("ends the lines of its stream with CR or CRLF, or begins it with a byte order mark",
          Outcome::kOk, "",
          {[](const Request& request) { return stream("data: " + result_for(request) + "\r\r"); },
           [](const Request& request) {
             return stream("id: 1\r\ndata: " + result_for(request) + "\r\n\r\n");
           },
           [](const Request& request) {
             return stream(
                 "\xEF\xBB\xBF"
                 "data: " +
                 result_for(request) + "\n\n");
           }}));
  all.push_back(
      row("sends an event id with a NUL, or fields that nobody knows", Outcome::kOk, "",
          {[](const Request& request) {
             return stream(std::string("id: a\0b\n", 8) + "data: " + result_for(request) + "\n\n");
           },
           [](const Request& request) {
             return stream("x\nretry: soon\nevent\ndata: " + result_for(request) + "\n\n");
           }}));
  all.push_back({.name = "sends a line without end in its stream, of a field that nobody knows",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request&) {
                       peer.stream();
                       const std::string many(16384, 'x');
                       for (int round = 0; round < 10'000 && peer.send(many); ++round) {
                       }
                     },
                 .says = "limits.messageBytes"});
  all.push_back({.name = "sends trailers without end",
                 .outcome = Outcome::kUnknown,
                 .script =
                     [](Peer& peer, const Request& request) {
                       peer.send(chunked(result_for(request), "chunked", ""));
                       const std::string many(1000, 'x');
                       for (int round = 0; round < 10'000; ++round) {
                         if (!peer.send("X-A: " + many + "\r\n")) return;
                       }
                     },
                 .says = "limits.headerBytes"});
}

}  // namespace

void add_odd_answers(std::vector<HttpBehaviour>& all) {
  add_heads(all);
  add_texts(all);
  add_streams(all);
}

}  // namespace mcpwire::io
