// SPDX-License-Identifier: MIT
//
// CurlClient: HttpClient by libcurl's multi interface, driven by our loop. Connections are kept and
// shared by all servers of the daemon.
//
// Never twice: a request with HttpRepeat::kNever goes out on a kept connection only if that was
// idle for less than kReuseIdleMax (shorter than servers keep them, see docs/adr/0013) and shows no
// end at the moment of the write; where it dies all the same, libcurl's own second attempt is
// refused and the request ends as one that may have been sent.
//
// Not done here: authentication, cookies, redirects, content encodings (a response that has one
// all the same is an error). TLS certificates are always verified; HTTP/2 is used where the server
// offers it over TLS.
//
// Threading: the loop's thread, but load().
#pragma once

#include "io/http/http_client.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire::io {

struct CurlClientOptions {
  std::uint64_t connect_timeout_ms = 10'000;  ///< Name, connection and TLS together.
};

class CurlClient final : public HttpClient {
 public:
  /// Idle connections that take a request which must not be sent twice.
  static constexpr long kReuseIdleSecondsMax = 4;

  /// Loads libcurl, which takes some milliseconds the first time: on any thread, before create().
  static Result<void> load();
  /// Errors: kUnsupported, as curl_library() has them. `loop` outlives the client.
  static Result<std::unique_ptr<CurlClient>> create(Loop& loop, CurlClientOptions options = {});
  /// REQUIRES: no exchange is left.
  ~CurlClient() override;
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  std::unique_ptr<HttpExchange> start(HttpRequest request, HttpSink& sink) override;

 private:
  class Engine;
  explicit CurlClient(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

/// `reference` as seen from `base`, as a browser resolves a link. Errors: kInvalid.
Result<std::string> resolve_url(const std::string& base, const std::string& reference);

/// Scheme, host and port are the same. False where one of them cannot be read.
bool has_same_origin(const std::string& url, const std::string& other);

}  // namespace mcpwire::io
