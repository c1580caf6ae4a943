// SPDX-License-Identifier: MIT
//
// RpcBody: the raw JSON of one reply: a text of its own, or a span of the large line that brought
// it, which is then kept as long as the body.
// Threading: the loop's thread.
#pragma once

#include "io/large_line.hpp"
#include "protocol/base/text_pool.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::io {

class RpcBody {
 public:
  RpcBody() noexcept = default;
  RpcBody(std::string text) noexcept : text_(std::move(text)) {}  // Implicit: a text is a body.
  RpcBody(const char* text) : text_(text) {}
  /// `span` lies in `line`.
  RpcBody(LargeLine line, std::string_view span) noexcept : line_(std::move(line)), span_(span) {}
  RpcBody(RpcBody&& other) noexcept
      : text_(std::exchange(other.text_, {})),
        line_(std::move(other.line_)),
        span_(std::exchange(other.span_, {})) {}
  RpcBody& operator=(RpcBody&& other) noexcept {
    std::swap(text_, other.text_);
    std::swap(line_, other.line_);
    std::swap(span_, other.span_);
    return *this;
  }
  RpcBody(const RpcBody&) = delete;
  RpcBody& operator=(const RpcBody&) = delete;
  ~RpcBody() { recycle_text(std::move(text_)); }

  /// As a text of its own, which another thread may take.
  std::string release_text() { return line_ ? copy_text(span_) : std::exchange(text_, {}); }

  std::string_view view() const noexcept { return line_ ? span_ : std::string_view(text_); }
  operator std::string_view() const noexcept { return view(); }  // As std::string does.
  std::size_t size() const noexcept { return view().size(); }
  bool empty() const noexcept { return view().empty(); }
  const char* begin() const noexcept { return view().data(); }
  const char* end() const noexcept { return begin() + size(); }

  friend bool operator==(const RpcBody& body, std::string_view text) noexcept {
    return body.view() == text;
  }

 private:
  std::string text_;
  LargeLine line_;
  std::string_view span_;
};

}  // namespace mcpwire::io
