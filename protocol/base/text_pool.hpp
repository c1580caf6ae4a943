// SPDX-License-Identifier: MIT
//
// Text pool: a few buffers per thread that go from one message to the next, so that a small call
// allocates nothing once it is warm.
//
// Threading: each thread has a pool of its own; a text may be given to another thread's.
// Memory: at most kPooledTexts buffers of at most kPooledTextBytesMax bytes per thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mcpwire {

inline constexpr std::size_t kPooledTexts = 32;
inline constexpr std::size_t kPooledTextBytesMax = std::size_t{64} << 10;

/// An empty text with room for `bytes`.
std::string take_text(std::size_t bytes);

/// A text with these bytes.
std::string copy_text(std::string_view bytes);

/// Keeps the buffer for the next take_text(); `text` is empty afterwards.
void recycle_text(std::string&& text) noexcept;

}  // namespace mcpwire
