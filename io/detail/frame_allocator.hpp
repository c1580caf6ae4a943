// SPDX-License-Identifier: MIT
//
// Frame memory of coroutines: per-thread free lists by size class. A task's frame is allocated
// and freed once per await; a free list does that in about half the time of malloc, and no
// compiler of ours elides frames (docs/adr/0007-coroutine-frames.md).
//
// Threading: a frame is freed on the thread that allocated it (the loop's).
#pragma once

#include <cstddef>

namespace mcpwire::io::detail {

void* allocate_frame(std::size_t bytes);
void free_frame(void* frame, std::size_t bytes) noexcept;

}  // namespace mcpwire::io::detail
