// SPDX-License-Identifier: MIT
//
// Why io_uring_setup failed, in words that say what a person can do about it.
// Threading: a pure function.
#pragma once

#include "protocol/base/error.hpp"

namespace mcpwire::io::detail {

/// `error`: the call's errno.
Error setup_error(int error);

}  // namespace mcpwire::io::detail
