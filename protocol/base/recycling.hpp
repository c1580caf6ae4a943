// SPDX-License-Identifier: MIT
//
// Whether memory may go from one object to the next without passing through the allocator. Not
// under sanitizers: they must see each object's own life, or a use after free would find a
// recycled one.
#pragma once

#if !defined(__has_feature)
#define __has_feature(name) 0
#endif

namespace mcpwire {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kRecycleMemory = false;
#else
inline constexpr bool kRecycleMemory = true;
#endif

}  // namespace mcpwire
