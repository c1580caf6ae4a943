// SPDX-License-Identifier: MIT
//
// HttpClient: one HTTP request after another, each with a streamed response; the seam under the
// HTTP transports. Real one: io/http/curl_client.hpp; fake one: tests/support/fake_http_client.hpp.
// Redirects are never followed and nothing is ever sent twice unless the request allows it.
//
// Threading: the loop's thread.
// Invariants: a callback never runs inside start(), resume() or the destructor of an exchange;
// after that destructor no callback comes, and the request is given up if it was under way.
#pragma once

#include "io/http/endpoint.hpp"
#include "protocol/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

enum class HttpMethod : std::uint8_t { kGet, kPost, kDelete };

/// Whether the request may reach the server twice where a kept connection turns out to be dead.
enum class HttpRepeat : std::uint8_t {
  kNever,    ///< Only on a connection that has just proved alive; never repeated.
  kAllowed,  ///< Any kept connection, and a second attempt where that one was dead.
};

struct HttpRequest {
  HttpMethod method = HttpMethod::kPost;
  HttpRepeat repeat = HttpRepeat::kNever;
  std::string url;                          ///< http or https.
  std::vector<std::string> headers;         ///< From header_line() (io/http/header_codec.hpp).
  std::shared_ptr<const std::string> body;  ///< Of a POST.
  HttpRoute route;
  std::size_t header_bytes_max = std::size_t{32} << 10;  ///< Of all headers of the answer.
};

/// The head of the final response; interim ones (1xx) are not told.
class HttpHead {
 public:
  HttpHead() = default;
  HttpHead(int status_code, std::string header_lines)
      : status(status_code), lines(std::move(header_lines)) {}

  /// The value of the first header of that name, without white space around it; empty if there is
  /// none. `name` in lower case.
  std::string_view find(std::string_view name) const noexcept;
  /// Every header of that name says `value` and nothing else; also where there is none. Both in
  /// lower case.
  bool has_only(std::string_view name, std::string_view value) const noexcept;
  /// The media type in lower case, without parameters.
  std::string media_type() const;

  int status = 0;
  std::string lines;  ///< "Name: value\r\n" for each header.
};

/// How an exchange ended.
struct HttpEnd {
  std::optional<Error> error;  ///< None: the response is complete.
  /// False: the server provably got no byte of the request's body.
  bool may_have_been_sent = true;
};

/// The exchange may be destroyed in any of these.
class HttpSink {
 public:
  /// Right before the first byte of the request; false gives it up: it ends as not sent.
  virtual bool may_send() = 0;
  virtual void on_head(const HttpHead& head) = 0;
  /// `bytes` are valid during the call only.
  virtual void on_body(std::string_view bytes) = 0;
  /// Comes once and last.
  virtual void on_end(const HttpEnd& end) = 0;

 protected:
  ~HttpSink() = default;
};

/// One request under way. Destroying it gives the request up: its connection is closed.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  /// No on_body() until resume(); the kernel's buffer fills and slows the server down.
  virtual void pause() = 0;
  virtual void resume() = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// `sink` outlives the exchange. Never null: what is wrong with the request comes as on_end().
  virtual std::unique_ptr<HttpExchange> start(HttpRequest request, HttpSink& sink) = 0;
};

}  // namespace mcpwire::io
