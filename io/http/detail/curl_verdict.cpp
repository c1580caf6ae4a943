// SPDX-License-Identifier: MIT
#include "io/http/detail/curl_verdict.hpp"

#include <string>
#include <utility>

namespace mcpwire::io::detail {
namespace {

struct Verdict {
  CURLcode code;
  ErrorKind kind;
  ErrorCode error;
  const char* text;
};

constexpr Verdict kVerdicts[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the server's name cannot be resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the proxy's name cannot be resolved"},
    {CURLE_COULDNT_CONNECT, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the server cannot be reached"},
    {CURLE_OPERATION_TIMEDOUT, ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded,
     "connecting to the server took too long"},
    {CURLE_SSL_CONNECT_ERROR, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "no TLS connection to the server"},
    {CURLE_PEER_FAILED_VERIFICATION, ErrorKind::kConfiguration, ErrorCode::kPeerRefused,
     "the server's certificate is not trusted"},
    {CURLE_SSL_CACERT_BADFILE, ErrorKind::kConfiguration, ErrorCode::kConfigUnreadable,
     "the file of trusted certificates cannot be read"},
    {CURLE_GOT_NOTHING, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the server closed the connection without an answer"},
    {CURLE_RECV_ERROR, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the connection to the server broke"},
    {CURLE_SEND_ERROR, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the connection to the server broke"},
    {CURLE_PARTIAL_FILE, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the server's answer broke off"},
    {CURLE_HTTP2, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the server ended the HTTP/2 connection"},
    {CURLE_HTTP2_STREAM, ErrorKind::kDisconnected, ErrorCode::kClosed,
     "the server broke off the HTTP/2 stream"},
    {CURLE_URL_MALFORMAT, ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
     "the server's url is malformed"},
    {CURLE_UNSUPPORTED_PROTOCOL, ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
     "the server does not speak HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
     "the server does not speak HTTP"},
};

}  // namespace

Error closed_without_answer() {
  return Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kClosed,
                            "the server closed the connection without an answer");
}

Error no_final_response(int status) {
  return Error::with_detail(
      ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
      "the server's HTTP " + std::to_string(status) + " was followed by no response");
}

Error header_line_too_long() {
  return Error::with_detail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                            "a header line of the server's has more than 100 KiB");
}

bool is_before_request(CURLcode code) noexcept {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
         code == CURLE_PEER_FAILED_VERIFICATION;
}

Error curl_error(const CurlLibrary& curl, CURLcode code, std::string_view said) {
  for (const Verdict& verdict : kVerdicts) {
    if (verdict.code != code) continue;
    std::string text = verdict.text;
    if (!said.empty()) text.append(" (").append(said).append(")");
    return Error::with_detail(verdict.kind, verdict.error, std::move(text));
  }
  std::string text = "the HTTP request failed: ";
  text += said.empty() ? std::string_view(curl.easy_strerror(code)) : said;
  return Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kClosed, std::move(text));
}

}  // namespace mcpwire::io::detail
