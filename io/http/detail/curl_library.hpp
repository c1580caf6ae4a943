// SPDX-License-Identifier: MIT
//
// CurlLibrary: the functions of libcurl that we call, found at run time.
// The one decision: libcurl is loaded when the first HTTP server is met, not linked. It brings
// some thirty shared libraries, which a daemon with stdio servers alone would load at every start
// and carry in memory for nothing (figures: docs/adr/0013).
//
// Threading: curl_library() may be called on any thread; the rest on the loop's.
#pragma once

#include "protocol/base/result.hpp"

#include <curl/curl.h>

namespace mcpwire::io::detail {

struct CurlLibrary {
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_reset) easy_reset = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_pause) easy_pause = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
  decltype(&curl_multi_init) multi_init = nullptr;
  decltype(&curl_multi_cleanup) multi_cleanup = nullptr;
  decltype(&curl_multi_setopt) multi_setopt = nullptr;
  decltype(&curl_multi_assign) multi_assign = nullptr;
  decltype(&curl_multi_add_handle) multi_add_handle = nullptr;
  decltype(&curl_multi_remove_handle) multi_remove_handle = nullptr;
  decltype(&curl_multi_socket_action) multi_socket_action = nullptr;
  decltype(&curl_multi_info_read) multi_info_read = nullptr;
  decltype(&curl_url) url = nullptr;
  decltype(&curl_url_cleanup) url_cleanup = nullptr;
  decltype(&curl_url_set) url_set = nullptr;
  decltype(&curl_url_get) url_get = nullptr;
  decltype(&curl_free) free = nullptr;
};

/// Loads and initialises libcurl on the first call, which takes some milliseconds; later calls give
/// the same. Errors: kUnsupported where it is missing, too old, or would resolve names blocking.
Result<const CurlLibrary*> curl_library();

}  // namespace mcpwire::io::detail
