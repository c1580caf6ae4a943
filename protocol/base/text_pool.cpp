// SPDX-License-Identifier: MIT
#include "protocol/base/text_pool.hpp"

#include "protocol/base/recycling.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace mcpwire {

namespace {

constexpr std::size_t kFirstBytes = 256;

struct TextPool {
  std::array<std::string, kPooledTexts> texts;
  std::size_t count = 0;

  ~TextPool();
};

/// Set when the thread's pool is gone: texts may be destroyed later than it. Trivial, so that it
/// can be read until the thread ends.
thread_local bool pool_has_ended = false;

TextPool::~TextPool() { pool_has_ended = true; }

TextPool& pool() {
  thread_local TextPool instance;
  return instance;
}

}  // namespace

std::string take_text(std::size_t bytes) {
  if (!pool_has_ended) {
    TextPool& own = pool();
    // The one that was used last first: it is warm. Any that is large enough will do.
    for (std::size_t index = own.count; index-- > 0;) {
      if (own.texts[index].capacity() < bytes) continue;
      std::string text = std::move(own.texts[index]);
      --own.count;
      if (index != own.count) own.texts[index] = std::move(own.texts[own.count]);
      return text;
    }
  }
  std::string text;
  // Few sizes, so that one buffer does for many texts.
  if (bytes > text.capacity()) text.reserve(std::bit_ceil(std::max(bytes, kFirstBytes)));
  return text;
}

std::string copy_text(std::string_view bytes) {
  std::string text = take_text(bytes.size());
  text = bytes;
  return text;
}

void recycle_text(std::string&& text) noexcept {
  std::string taken = std::move(text);
  text.clear();
  const bool is_worth_it =
      taken.capacity() > std::string().capacity() && taken.capacity() <= kPooledTextBytesMax;
  if (!kRecycleMemory || !is_worth_it || pool_has_ended) return;
  TextPool& own = pool();
  if (own.count == own.texts.size()) return;
  taken.clear();
  own.texts[own.count++] = std::move(taken);
}

}  // namespace mcpwire
