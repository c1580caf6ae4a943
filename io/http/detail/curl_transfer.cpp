// SPDX-License-Identifier: MIT
#include "io/http/detail/curl_transfer.hpp"

#include "io/http/detail/curl_verdict.hpp"
#include "protocol/base/check.hpp"
#include "protocol/version.hpp"

#include <charconv>
#include <string_view>
#include <utility>

namespace mcpwire::io::detail {
namespace {

/// Connections are not kept for ever, because names move to other addresses.
constexpr long kConnectionSecondsMax = 30 * 60;
constexpr long kKeepAliveIdleSeconds = 60;
constexpr long kKeepAliveIntervalSeconds = 15;

/// 0 where it is no status line.
int status_of(std::string_view line) noexcept {
  const std::size_t blank = line.find(' ');
  if (!line.starts_with("HTTP/") || blank == std::string_view::npos) return 0;
  int status = 0;
  const std::string_view digits = line.substr(blank + 1, 3);
  std::from_chars(digits.data(), digits.data() + digits.size(), status);
  return status;
}

}  // namespace

CurlTransfer::CurlTransfer(const CurlLibrary& curl, CURL* easy, HttpRequest request, HttpSink& sink,
                           const CurlLimits& limits)
    : curl_(curl), easy_(easy), request_(std::move(request)), sink_(&sink), limits_(limits) {
  set_up();
}

CurlTransfer::~CurlTransfer() { curl_.slist_free_all(headers_); }

CurlTransfer& CurlTransfer::of(const CurlLibrary& curl, CURL* easy) {
  char* self = nullptr;
  curl.easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  MCPWIRE_CHECK(self != nullptr);
  void* const opaque = self;
  return *static_cast<CurlTransfer*>(opaque);
}

// --- Options ---------------------------------------------------------------------------------

void CurlTransfer::set_up() {
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, error_text_);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_USERAGENT, (std::string("mcpwire/") + std::string(kVersion)).c_str());
  set(CURLOPT_PREREQFUNCTION, &CurlTransfer::on_prepare);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header_line);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body_bytes);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set_up_body();
  set_up_connection();
  set_up_route();
}

void CurlTransfer::set_up_body() {
  for (const std::string& line : request_.headers) {
    headers_ = curl_.slist_append(headers_, line.c_str());
  }
  switch (request_.method) {
    case HttpMethod::kGet:
      set(CURLOPT_HTTPGET, 1L);
      break;
    case HttpMethod::kDelete:
      set(CURLOPT_CUSTOMREQUEST, "DELETE");
      break;
    case HttpMethod::kPost:
      set(CURLOPT_POST, 1L);
      if (request_.body == nullptr) request_.body = std::make_shared<const std::string>();
      set(CURLOPT_POSTFIELDS, request_.body->c_str());
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body->size()));
      // Waiting for "100 Continue" would cost a second with servers that do not know it.
      headers_ = curl_.slist_append(headers_, "Expect:");
      break;
  }
  set(CURLOPT_HTTPHEADER, headers_);
}

void CurlTransfer::set_up_connection() {
  set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
  if (request_.url.starts_with("https:")) set(CURLOPT_PIPEWAIT, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect_timeout_ms));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(CURLOPT_TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set(CURLOPT_MAXLIFETIME_CONN, kConnectionSecondsMax);
  if (request_.repeat == HttpRepeat::kNever) {
    set(CURLOPT_MAXAGE_CONN, limits_.reuse_idle_seconds_max);
    if (request_.url.starts_with("https:")) set_up_refusals();
  }
}

/// HTTP/2 has a way to say that a request was not looked at, REFUSED_STREAM, and libcurl no option
/// that tells of it: only its log does. On a kept connection it says there that the connection
/// died, whatever happened, unless the request claims to be RTSP's RECEIVE, which means no more
/// than that to it. An unknown option or another text leave such a request unknown.
void CurlTransfer::set_up_refusals() {
  set(CURLOPT_VERBOSE, 1L);
  set(CURLOPT_DEBUGFUNCTION, &CurlTransfer::on_log);
  set(CURLOPT_DEBUGDATA, static_cast<void*>(this));
  curl_.easy_setopt(easy_, CURLOPT_RTSP_REQUEST, long{CURL_RTSPREQ_RECEIVE});
}

void CurlTransfer::set_up_route() {
  // Empty ones too: else libcurl looks into the daemon's own environment.
  set(CURLOPT_PROXY, request_.route.proxy.c_str());
  set(CURLOPT_NOPROXY, request_.route.no_proxy.c_str());
  if (!request_.route.ca_file.empty()) set(CURLOPT_CAINFO, request_.route.ca_file.c_str());
}

// --- Callbacks -------------------------------------------------------------------------------

int CurlTransfer::on_prepare(void* self, char*, char*, int, int) {
  return static_cast<CurlTransfer*>(self)->may_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

int CurlTransfer::on_log(CURL*, curl_infotype type, char* text, std::size_t bytes, void* self) {
  const bool is_refusal = type == CURLINFO_TEXT &&
                          std::string_view(text, bytes).starts_with("REFUSED_STREAM, retrying");
  if (is_refusal) static_cast<CurlTransfer*>(self)->was_refused_ = true;
  return 0;
}

bool CurlTransfer::may_send() {
  if (is_abandoned()) return false;
  if (was_allowed_) {
    // libcurl found the connection dead that the request went out on.
    if (request_.repeat == HttpRepeat::kAllowed) return true;
    if (was_refused_) {
      // The first attempt did nothing, and there will be no second one.
      was_allowed_ = false;
      failure_ = Error::with_detail(ErrorKind::kDisconnected, ErrorCode::kClosed,
                                    "the server takes no new requests on this connection "
                                    "(REFUSED_STREAM)");
      return false;
    }
    may_have_repeated_ = true;
    failure_ = closed_without_answer();
    return false;
  }
  if (!sink_->may_send()) {
    failure_ = Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
    return false;
  }
  was_allowed_ = true;
  return true;
}

std::size_t CurlTransfer::on_header_line(char* bytes, std::size_t, std::size_t count, void* self) {
  const bool goes_on = static_cast<CurlTransfer*>(self)->take_header_line({bytes, count});
  return goes_on ? count : 0;
}

bool CurlTransfer::take_header_line(std::string_view line) {
  if (is_abandoned()) return false;
  header_bytes_ += line.size();
  if (header_bytes_ > request_.header_bytes_max) {
    failure_ = Error::with_detail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                                  "the server's headers have more than " +
                                      std::to_string(request_.header_bytes_max) +
                                      " bytes (limits.headerBytes)");
    return false;
  }
  if (is_head_told_) return true;  // Trailers.
  const int status = status_of(line);
  if (status != 0) {
    head_ = HttpHead(status, {});
    return true;
  }
  if (line != "\r\n" && line != "\n") {
    head_.lines += line;
    return true;
  }
  constexpr int kSwitchingProtocols = 101;
  if (head_.status == kSwitchingProtocols) {
    failure_ = no_final_response(head_.status);
    return false;
  }
  constexpr int kFirstFinalStatus = 200;
  return head_.status < kFirstFinalStatus || finish_head();
}

bool CurlTransfer::finish_head() {
  is_head_told_ = true;
  // The latter libcurl would undo by itself, however large it gets.
  const bool is_plain = head_.has_only("content-encoding", "identity") &&
                        head_.has_only("transfer-encoding", "chunked");
  if (!is_plain) {
    failure_ = Error::with_detail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                                  "the server's answer is compressed, which nobody asked for");
    return false;
  }
  if (!head_.has_only("content-length", head_.find("content-length"))) {
    // libcurl takes the last one, somebody on the way perhaps the first.
    failure_ = Error::with_detail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                                  "the server's answer has two lengths");
    return false;
  }
  sink_->on_head(head_);
  return !is_abandoned();
}

std::size_t CurlTransfer::on_body_bytes(char* bytes, std::size_t, std::size_t count, void* self) {
  CurlTransfer& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.is_abandoned()) return 0;
  if (transfer.is_paused_) return CURL_WRITEFUNC_PAUSE;
  transfer.sink_->on_body({bytes, count});
  return transfer.is_abandoned() ? 0 : count;
}

void CurlTransfer::resume() {
  is_paused_ = false;
  curl_.easy_pause(easy_, CURLPAUSE_CONT);
}

// --- The end ---------------------------------------------------------------------------------

/// A failed write of which nothing was taken is the only proof. Whatever else ends a request that
/// was let go may be the end of a second attempt, which has counters of its own.
bool CurlTransfer::may_have_been_sent(CURLcode code) {
  if (!was_allowed_) return false;
  if (may_have_repeated_ || is_head_told_ || code != CURLE_SEND_ERROR) return true;
  curl_off_t sent = 0;
  curl_.easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &sent);
  return sent > 0;
}

void CurlTransfer::finish(CURLcode code) {
  if (is_abandoned()) return;
  HttpEnd end;
  end.may_have_been_sent = may_have_been_sent(code);
  // The first attempt's connection broke, and no second one came about.
  if (was_allowed_ && is_before_request(code)) failure_ = closed_without_answer();
  if (code != CURLE_OK || failure_.has_value()) {
    end.error = failure_.value_or(curl_error(curl_, code, error_text_));
  } else if (!is_head_told_) {
    end.error = no_final_response(head_.status);
  }
  if (code == CURLE_OUT_OF_MEMORY && !is_head_told_) end.error = header_line_too_long();
  std::exchange(sink_, nullptr)->on_end(end);
}

void CurlTransfer::finish_unsent(const Error& why) {
  if (is_abandoned()) return;
  std::exchange(sink_, nullptr)->on_end({why, false});
}

}  // namespace mcpwire::io::detail
