// SPDX-License-Identifier: MIT
//
// CurlTransfer: one request on one easy handle: its options, its callbacks, and what is made of
// libcurl's verdict. It outlives the HttpExchange that stands for it, because a handle cannot be
// taken out of libcurl from inside a callback.
//
// Threading: the loop's thread.
#pragma once

#include "io/http/detail/curl_library.hpp"
#include "io/http/http_client.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mcpwire::io::detail {

struct CurlLimits {
  std::uint64_t connect_timeout_ms = 0;
  long reuse_idle_seconds_max = 0;
};

class CurlTransfer {
 public:
  /// Sets up `easy`, which it owns from now on. `sink` is forgotten by abandon().
  CurlTransfer(const CurlLibrary& curl, CURL* easy, HttpRequest request, HttpSink& sink,
               const CurlLimits& limits);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  CURL* easy() const noexcept { return easy_; }
  /// False: libcurl refused an option.
  bool is_usable() const noexcept { return is_set_up_; }
  /// The transfer that an easy handle belongs to.
  static CurlTransfer& of(const CurlLibrary& curl, CURL* easy);

  /// No callback comes any more.
  void abandon() noexcept { sink_ = nullptr; }
  bool is_abandoned() const noexcept { return sink_ == nullptr; }

  void pause() noexcept { is_paused_ = true; }
  /// Enters libcurl, which may call back.
  void resume();

  /// libcurl is done with it. The last callback; the transfer may be destroyed in it.
  void finish(CURLcode code);
  /// It never came to libcurl.
  void finish_unsent(const Error& why);

 private:
  void set_up();
  void set_up_body();
  void set_up_connection();
  void set_up_refusals();
  void set_up_route();
  template <class Value>
  void set(CURLoption option, Value value) {
    if (curl_.easy_setopt(easy_, option, value) != CURLE_OK) is_set_up_ = false;
  }

  static int on_prepare(void* self, char*, char*, int, int);
  static int on_log(CURL* easy, curl_infotype type, char* text, std::size_t bytes, void* self);
  static std::size_t on_header_line(char* bytes, std::size_t, std::size_t count, void* self);
  static std::size_t on_body_bytes(char* bytes, std::size_t, std::size_t count, void* self);
  bool may_send();
  bool take_header_line(std::string_view line);
  bool finish_head();
  bool may_have_been_sent(CURLcode code);

  const CurlLibrary& curl_;
  CURL* easy_;
  HttpRequest request_;
  HttpSink* sink_;
  CurlLimits limits_;
  curl_slist* headers_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = {};
  HttpHead head_;
  std::size_t header_bytes_ = 0;
  std::optional<Error> failure_;  ///< Ours, which libcurl knows only as an aborted callback.
  bool is_set_up_ = true;
  bool is_paused_ = false;
  bool was_allowed_ = false;  ///< may_send() was asked and said yes.
  bool may_have_repeated_ = false;
  bool was_refused_ = false;  ///< HTTP/2: the server said that it did nothing.
  bool is_head_told_ = false;
};

}  // namespace mcpwire::io::detail
