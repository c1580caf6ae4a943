// SPDX-License-Identifier: MIT
//
// RequestPayload: the bytes of a request while it is served: a private copy, or, where they are
// many, the client's sealed memory itself, kept for as long as they are read.
//
// Threading: a value; it may be read and released on another thread than the one that made it.
#pragma once

#include "protocol/base/text_pool.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::daemon {

class RequestPayload {
 public:
  /// Looking through more than this would hold up the loop: it is done on the helper thread.
  static constexpr std::size_t kSmallBytesMax = std::size_t{256} << 10;

  explicit RequestPayload(std::string text) noexcept : text_(std::move(text)) {}
  /// `bytes` stay where they are and as they are while `owner` lives.
  RequestPayload(std::string_view bytes, std::shared_ptr<const void> owner) noexcept
      : bytes_(bytes), owner_(std::move(owner)) {}

  std::string_view view() const noexcept { return owner_ ? bytes_ : std::string_view(text_); }
  bool is_large() const noexcept { return view().size() > kSmallBytesMax; }

  void release() noexcept {
    recycle_text(std::move(text_));
    owner_.reset();
  }

 private:
  std::string text_;
  std::string_view bytes_;
  std::shared_ptr<const void> owner_;
};

}  // namespace mcpwire::daemon
