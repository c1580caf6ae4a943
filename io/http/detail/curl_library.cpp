// SPDX-License-Identifier: MIT
#include "io/http/detail/curl_library.hpp"

#include <dlfcn.h>

#include <string>
#include <utility>

namespace mcpwire::io::detail {
namespace {

constexpr const char* kFileName = "libcurl.so.4";
/// 7.87: CURLOPT_QUICK_EXIT, without which giving up a request waits for the name server.
constexpr unsigned kVersionMin = 0x075700;

Failure unusable(std::string why) {
  return fail(
      ErrorKind::kUnsupported, ErrorCode::kUnspecified,
      "servers reached over HTTP need libcurl 7.87 or newer (Debian: libcurl4): " + std::move(why));
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

bool find_easy(void* library, CurlLibrary& curl) {
  return find(library, "curl_easy_init", curl.easy_init) &&
         find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
         find(library, "curl_easy_reset", curl.easy_reset) &&
         find(library, "curl_easy_setopt", curl.easy_setopt) &&
         find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
         find(library, "curl_easy_perform", curl.easy_perform) &&
         find(library, "curl_easy_pause", curl.easy_pause) &&
         find(library, "curl_easy_strerror", curl.easy_strerror) &&
         find(library, "curl_slist_append", curl.slist_append) &&
         find(library, "curl_slist_free_all", curl.slist_free_all) &&
         find(library, "curl_free", curl.free);
}

bool find_multi(void* library, CurlLibrary& curl) {
  return find(library, "curl_multi_init", curl.multi_init) &&
         find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
         find(library, "curl_multi_setopt", curl.multi_setopt) &&
         find(library, "curl_multi_assign", curl.multi_assign) &&
         find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
         find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
         find(library, "curl_multi_socket_action", curl.multi_socket_action) &&
         find(library, "curl_multi_info_read", curl.multi_info_read);
}

bool find_url(void* library, CurlLibrary& curl) {
  return find(library, "curl_url", curl.url) &&
         find(library, "curl_url_cleanup", curl.url_cleanup) &&
         find(library, "curl_url_set", curl.url_set) && find(library, "curl_url_get", curl.url_get);
}

Result<CurlLibrary> load() {
  void* const library = ::dlopen(kFileName, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return unusable(::dlerror());
  CurlLibrary curl;
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_version_info) version_info = nullptr;
  const bool has_all = find(library, "curl_global_init", global_init) &&
                       find(library, "curl_version_info", version_info) &&
                       find_easy(library, curl) && find_multi(library, curl) &&
                       find_url(library, curl);
  if (!has_all) return unusable(::dlerror());
  if (global_init(CURL_GLOBAL_ALL) != CURLE_OK) return unusable("it cannot be initialised");
  const curl_version_info_data& version = *version_info(CURLVERSION_NOW);
  if (version.version_num < kVersionMin) return unusable(std::string("this is ") + version.version);
  if ((version.features & CURL_VERSION_ASYNCHDNS) == 0) {
    return unusable("this one blocks while it resolves names");
  }
  return curl;
}

}  // namespace

Result<const CurlLibrary*> curl_library() {
  // Never unloaded: threads of its resolver may still run when we end.
  static const Result<CurlLibrary> kLoaded = load();
  if (!kLoaded.has_value()) return fail(kLoaded.error());
  return &*kLoaded;
}

}  // namespace mcpwire::io::detail
