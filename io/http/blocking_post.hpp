// SPDX-License-Identifier: MIT
//
// BlockingPost: one libcurl handle that keeps its connection and is waited for. What a program pays
// at least that calls a server over HTTP by itself: mcp-bench compares with it. The daemon, which
// never waits, has CurlClient.
//
// Threading: one thread.
#pragma once

#include "protocol/base/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

class BlockingPost {
 public:
  /// `headers` as lines without their ends. Errors: kUnsupported, as curl_library() has them.
  static Result<BlockingPost> create(const std::string& url,
                                     const std::vector<std::string>& headers);
  BlockingPost(BlockingPost&& other) noexcept;
  ~BlockingPost();

  /// The body of the answer, whatever its status; valid until the next call. Errors: kDisconnected.
  Result<std::string_view> post(const std::string& body);

 private:
  struct Handle;
  explicit BlockingPost(std::unique_ptr<Handle> handle) noexcept;
  std::unique_ptr<Handle> handle_;
};

}  // namespace mcpwire::io
