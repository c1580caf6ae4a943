// SPDX-License-Identifier: MIT
//
// BackendKind: what carries a loop's operations. io_uring wherever it is allowed; epoll where it is
// not (Docker's default seccomp profile refuses it), or where somebody asks for it.
// Threading: a value; share freely.
#pragma once

#include "protocol/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace mcpwire::io {

enum class BackendKind : std::uint8_t {
  kAutomatic,  ///< io_uring, or epoll with a warning where that is refused.
  kUring,      ///< Nothing but io_uring.
  kEpoll,      ///< epoll, with a warning.
};

/// The environment variable that programs read and give to parse_backend_kind().
inline constexpr const char* kIoBackendVariable = "MCPWIRE_IO_BACKEND";

/// "" and "auto", "io_uring" or "epoll". Anything else is ErrorKind::kConfiguration with a text
/// that names the variable.
Result<BackendKind> parse_backend_kind(std::string_view text);

}  // namespace mcpwire::io
