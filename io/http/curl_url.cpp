// SPDX-License-Identifier: MIT
#include "io/http/curl_client.hpp"
#include "io/http/detail/curl_library.hpp"
#include "protocol/base/ascii.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace mcpwire::io {
namespace {

using detail::CurlLibrary;

/// A parsed URL of libcurl's, which is what the requests go by.
class Url {
 public:
  explicit Url(const CurlLibrary& curl) : curl_(curl), handle_(curl.url()) {}
  ~Url() { curl_.url_cleanup(handle_); }
  Url(const Url&) = delete;
  Url& operator=(const Url&) = delete;

  /// A second one is resolved against the first.
  bool set(const std::string& text) {
    return curl_.url_set(handle_, CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  }
  std::optional<std::string> part(CURLUPart which) const {
    char* text = nullptr;
    // A port that is left out is the scheme's.
    const unsigned flags = which == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
    if (curl_.url_get(handle_, which, &text, flags) != CURLUE_OK) return std::nullopt;
    std::string copy(text);
    curl_.free(text);
    return copy;
  }

 private:
  const CurlLibrary& curl_;
  CURLU* handle_;
};

/// scheme://host:port in lower case.
std::optional<std::string> origin_of(const CurlLibrary& curl, const std::string& text) {
  Url url(curl);
  if (!url.set(text)) return std::nullopt;
  const auto scheme = url.part(CURLUPART_SCHEME);
  const auto host = url.part(CURLUPART_HOST);
  const auto port = url.part(CURLUPART_PORT);
  if (!scheme.has_value() || !host.has_value() || !port.has_value()) return std::nullopt;
  return lower_case(*scheme + "://" + *host + ":" + *port);
}

}  // namespace

Result<std::string> resolve_url(const std::string& base, const std::string& reference) {
  const CurlLibrary& curl = *TRY(detail::curl_library());
  Url url(curl);
  std::optional<std::string> resolved;
  if (url.set(base) && url.set(reference)) resolved = url.part(CURLUPART_URL);
  if (!resolved.has_value()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                "the server named an address that is no URL");
  }
  return *std::move(resolved);
}

bool has_same_origin(const std::string& url, const std::string& other) {
  const auto curl = detail::curl_library();
  if (!curl.has_value()) return false;
  const auto origin = origin_of(**curl, url);
  return origin.has_value() && origin == origin_of(**curl, other);
}

}  // namespace mcpwire::io
