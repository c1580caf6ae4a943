// SPDX-License-Identifier: MIT
#include "tools/demo_server/http_message.hpp"

#include <boost/beast/http.hpp>

namespace mcpwire::demo {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kHeaderBytesMax = 16 * 1024;
constexpr std::uint64_t kBodyBytesMax = std::uint64_t{64} << 20;

using Fields = http::request<http::string_body>;

std::optional<std::string> field(const Fields& request, std::string_view name) {
  const auto found = request.find(boost::beast::string_view(name.data(), name.size()));
  if (found == request.end()) return std::nullopt;
  return std::string(found->value());
}

/// Where another parser would see another message.
bool is_ambiguous(const Fields& request) {
  const auto encoding = request.find(http::field::transfer_encoding);
  if (encoding != request.end() && encoding->value() != "chunked") return true;
  if (request.count(http::field::content_length) > 1) return true;
  return request.count(http::field::host) != 1;
}

}  // namespace

struct HttpRequestParser::Beast {
  std::optional<http::request_parser<http::string_body>> parser;
  void begin() {
    parser.emplace();
    parser->header_limit(kHeaderBytesMax);
    parser->body_limit(kBodyBytesMax);
    parser->eager(true);
  }
};

HttpRequestParser::HttpRequestParser() : beast_(std::make_unique<Beast>()) { beast_->begin(); }
HttpRequestParser::~HttpRequestParser() = default;

HttpRequestParser::State HttpRequestParser::feed(std::string_view& bytes) {
  auto& parser = *beast_->parser;
  while (!bytes.empty() && !parser.is_done()) {
    boost::beast::error_code failure;
    const std::size_t used =
        parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), failure);
    bytes.remove_prefix(used);
    if (failure == http::error::need_more) return State::kNeedMore;
    if (failure == http::error::body_limit || failure == http::error::header_limit) {
      return State::kTooLarge;
    }
    if (failure) return State::kBad;
  }
  if (!parser.is_done()) return State::kNeedMore;
  return is_ambiguous(parser.get()) ? State::kBad : State::kDone;
}

HttpMessage HttpRequestParser::take() {
  Fields request = beast_->parser->release();
  HttpMessage message;
  message.method = std::string(request.method_string());
  message.target = std::string(request.target());
  message.keeps_alive = request.keep_alive();
  message.host = field(request, "host");
  message.origin = field(request, "origin");
  message.content_type = field(request, "content-type");
  message.protocol_version = field(request, "mcp-protocol-version");
  message.session_id = field(request, "mcp-session-id");
  message.mcp_method = field(request, "mcp-method");
  message.mcp_name = field(request, "mcp-name");
  message.body = std::move(request.body());
  beast_->begin();
  return message;
}

}  // namespace mcpwire::demo
