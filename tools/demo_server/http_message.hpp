// SPDX-License-Identifier: MIT
//
// HttpRequestParser: HTTP/1.1 requests out of bytes, by Boost.Beast's parser without its I/O. What
// Beast lets through although two parsers might read it differently is refused on top.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::demo {

/// The headers that MCP looks at; absent ones are empty optionals.
struct HttpMessage {
  std::string method;
  std::string target;
  std::string body;
  bool keeps_alive = true;
  std::optional<std::string> host, origin, content_type, protocol_version, session_id, mcp_method,
      mcp_name;
};

class HttpRequestParser {
 public:
  HttpRequestParser();
  ~HttpRequestParser();

  enum class State : std::uint8_t { kNeedMore, kDone, kBad, kTooLarge };
  /// Takes from the front of `bytes` what belongs to the request.
  State feed(std::string_view& bytes);
  /// REQUIRES: feed() has said kDone. The next request begins.
  HttpMessage take();

 private:
  struct Beast;
  std::unique_ptr<Beast> beast_;
};

}  // namespace mcpwire::demo
