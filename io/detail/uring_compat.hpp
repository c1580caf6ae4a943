// SPDX-License-Identifier: MIT
//
// The one place that includes liburing, and what kernels have that liburing 2.3 does not name.
// Sources: include/uapi/linux/io_uring.h of Linux 6.18, io_uring_enter(2).
#pragma once

#include <liburing.h>

#include <cstddef>

namespace mcpwire::io::detail {

/// Linux 6.7: reads into provided buffers until cancelled or at its end.
inline constexpr unsigned kOpReadMultishot = 49;

// liburing 2.3 declares the buffer ring's tail and its entries as a union: entry 0 begins where the
// ring does. A header that laid the array behind the tail would corrupt every buffer.
static_assert(offsetof(io_uring_buf_ring, bufs) == 0);
static_assert(sizeof(io_uring_buf) == 16);
static_assert(sizeof(io_uring_sqe) == 64);
static_assert(sizeof(io_uring_cqe) == 16);

}  // namespace mcpwire::io::detail
