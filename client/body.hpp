// SPDX-License-Identifier: MIT
//
// Body: the bytes of one reply, where they arrived. A small one is the client's own memory; a large
// one stays in memory that the daemon shares with this client alone, and is read there without a
// copy.
//
// Threading: a value; may be destroyed on any thread.
// Lifetime: independent of its Connection. While a mapped one lives, the daemon cannot use that
//   memory for the next large reply (it takes other memory, which is slower): let go of it soon, or
//   take_text() it.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/text_pool.hpp"
#include "ring/mapped_payload.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::client {

class Body {
 public:
  Body() noexcept = default;
  Body(std::string text) noexcept : text_(std::move(text)) {}  // Implicit: a text is a body.
  Body(const char* text) : text_(text) {}
  Body(ring::MappedPayload payload) noexcept : mapped_(std::move(payload)) {}
  Body(Body&&) noexcept = default;
  Body& operator=(Body&& other) noexcept {
    std::swap(text_, other.text_);
    std::swap(mapped_, other.mapped_);
    return *this;
  }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body() { recycle_text(std::move(text_)); }

  std::string_view view() const noexcept { return is_mapped() ? as_text(mapped_.bytes()) : text_; }
  operator std::string_view() const noexcept { return view(); }  // As std::string does.
  std::size_t size() const noexcept { return view().size(); }
  bool empty() const noexcept { return view().empty(); }
  const char* begin() const noexcept { return view().data(); }
  const char* end() const noexcept { return begin() + size(); }

  /// Read in place: no copy was made in this process.
  bool is_mapped() const noexcept { return !mapped_.bytes().empty(); }

  /// The bytes as a text of the caller's own; copies what is mapped. The body is empty afterwards.
  std::string take_text() && {
    if (!is_mapped()) return std::exchange(text_, std::string());
    std::string text(view());
    mapped_ = ring::MappedPayload();
    return text;
  }

  friend bool operator==(const Body& body, std::string_view text) noexcept {
    return body.view() == text;
  }

 private:
  std::string text_;
  ring::MappedPayload mapped_;
};

}  // namespace mcpwire::client
