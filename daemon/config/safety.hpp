// SPDX-License-Identifier: MIT
//
// Whether a file that starts commands can only have been written by its user.
//
// Threading: pure functions.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/seams/file_system.hpp"

#include <cstdint>
#include <string>

namespace mcpwire::config {

/// `file` is the status of the regular file `path`, `directory` that of the directory it is in.
/// Both must belong to `own_uid` or root and be writable by nobody else; a directory with the
/// sticky bit (/tmp) may be writable, because nobody else can replace our file in it. The
/// directories above are not looked at. kConfigUnsafe names path, mode and the command that mends
/// it.
Result<void> check_safe(const FileStatus& file, const FileStatus& directory,
                        const std::string& path, std::uint32_t own_uid);

/// True for the error of a path that leads to nothing.
bool is_missing(const Error& error) noexcept;

}  // namespace mcpwire::config
