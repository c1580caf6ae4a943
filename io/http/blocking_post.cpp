// SPDX-License-Identifier: MIT
#include "io/http/blocking_post.hpp"

#include "io/http/detail/curl_library.hpp"
#include "io/http/detail/curl_verdict.hpp"

#include <cstddef>
#include <utility>

namespace mcpwire::io {

using detail::CurlLibrary;

struct BlockingPost::Handle {
  explicit Handle(const CurlLibrary& library) : curl(library), easy(library.easy_init()) {}
  ~Handle() {
    curl.slist_free_all(headers);
    curl.easy_cleanup(easy);
  }
  static std::size_t keep(char* bytes, std::size_t, std::size_t count, void* answer) {
    static_cast<std::string*>(answer)->append(bytes, count);
    return count;
  }

  const CurlLibrary& curl;
  CURL* easy;
  curl_slist* headers = nullptr;
  std::string answer;
};

Result<BlockingPost> BlockingPost::create(const std::string& url,
                                          const std::vector<std::string>& headers) {
  const CurlLibrary& curl = *TRY(detail::curl_library());
  auto handle = std::make_unique<Handle>(curl);
  if (handle->easy == nullptr) return fail(ErrorKind::kInternal, ErrorCode::kOutOfMemory);
  for (const std::string& line : headers) {
    handle->headers = curl.slist_append(handle->headers, line.c_str());
  }
  curl.easy_setopt(handle->easy, CURLOPT_URL, url.c_str());
  curl.easy_setopt(handle->easy, CURLOPT_HTTPHEADER, handle->headers);
  curl.easy_setopt(handle->easy, CURLOPT_WRITEFUNCTION, &Handle::keep);
  curl.easy_setopt(handle->easy, CURLOPT_WRITEDATA, static_cast<void*>(&handle->answer));
  return BlockingPost(std::move(handle));
}

BlockingPost::BlockingPost(std::unique_ptr<Handle> handle) noexcept : handle_(std::move(handle)) {}
BlockingPost::BlockingPost(BlockingPost&& other) noexcept = default;
BlockingPost::~BlockingPost() = default;

Result<std::string_view> BlockingPost::post(const std::string& body) {
  const CurlLibrary& curl = handle_->curl;
  handle_->answer.clear();
  curl.easy_setopt(handle_->easy, CURLOPT_POSTFIELDS, body.c_str());
  curl.easy_setopt(handle_->easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  const CURLcode code = curl.easy_perform(handle_->easy);
  if (code != CURLE_OK) return fail(detail::curl_error(curl, code, {}));
  return std::string_view(handle_->answer);
}

}  // namespace mcpwire::io
