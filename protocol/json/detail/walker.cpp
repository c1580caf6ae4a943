// SPDX-License-Identifier: MIT
#include "protocol/json/detail/walker.hpp"

namespace mcpwire::protocol::json::detail {
namespace {

/// The containers around a place, innermost in bit 0: 1 for an object, 0 for an array.
struct Nesting {
  std::uint64_t objects = 0;
  unsigned depth = 0;

  bool in_object() const noexcept { return (objects & 1) != 0; }
  void push(char opening) noexcept {
    objects = objects << 1 | static_cast<std::uint64_t>(opening == '{');
    ++depth;
  }
  void pop() noexcept {
    objects >>= 1;
    --depth;
  }
};
static_assert(kDepthMax <= 64, "one bit per container");

}  // namespace

JsonFault Walker::check_value(unsigned depth) noexcept {
  Nesting nesting;
  const unsigned depth_max = depth < kDepthMax ? kDepthMax - depth : 0;
  // Key and colon are read together with what opens or continues an object, so that a value is
  // what every turn of this loop expects.
  for (;;) {
    const char first = peek();
    bool opened = false;
    if (first == '{' || first == '[') {
      if (nesting.depth == depth_max) return JsonFault::kDepth;
      ++next_;
      opened = !take(static_cast<char>(first + 2));  // '{' + 2 is '}', '[' + 2 is ']'.
      if (opened) nesting.push(first);
    } else if (first == '"') {
      ++next_;
    } else {
      if (at_end()) return JsonFault::kGrammar;
      if (!is_scalar_token(token_at(next_))) {
        const bool is_bracket = first == '}' || first == ']' || first == ',' || first == ':';
        return is_bracket ? JsonFault::kGrammar : JsonFault::kScalar;
      }
      ++next_;
    }
    if (!opened) {
      while (nesting.depth != 0 && take(nesting.in_object() ? '}' : ']')) nesting.pop();
      if (nesting.depth == 0) return JsonFault::kNone;
      if (!take(',')) return JsonFault::kGrammar;
    }
    if (nesting.in_object()) {
      if (!take('"') || !take(':')) return JsonFault::kGrammar;
    }
  }
}

JsonFault Walker::skip_value() noexcept {
  Nesting nesting;
  do {
    const char first = peek();
    if (first == '{' || first == '[') {
      // Deeper than the bit stack reaches, a bracket of the wrong kind could pass: refuse.
      if (nesting.depth == kDepthMax - 1) return JsonFault::kDepth;
      nesting.push(first);
    } else if (first == '}' || first == ']') {
      if (nesting.depth == 0 || nesting.in_object() != (first == '}')) return JsonFault::kGrammar;
      nesting.pop();
    } else if (at_end() || (nesting.depth == 0 && (first == ',' || first == ':'))) {
      return JsonFault::kGrammar;
    }
    ++next_;
  } while (nesting.depth != 0);
  return JsonFault::kNone;
}

}  // namespace mcpwire::protocol::json::detail
