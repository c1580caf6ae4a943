// SPDX-License-Identifier: MIT
//
// FileSystem: the seam behind which configuration and approval files are read and written.
// Calls block: use them on the helper thread or before the loop runs.
// Real one: io/system_file_system.hpp; fake one: tests/support/fake_file_system.hpp.
#pragma once

#include "protocol/base/result.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mcpwire {

/// What identifies one version of a file: any change to it changes at least one field.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

struct FileStatus {
  FileIdentity identity;
  std::uint32_t owner_uid = 0;
  std::uint32_t mode = 0;  ///< st_mode, type bits included.
};

struct FileContents {
  std::string text;
  FileStatus status;  ///< Of the very file that was read, not of whatever has its name now.
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<FileStatus> status(const std::string& path) = 0;
  /// The whole file. Over `bytes_max` it is ErrorCode::kTooLarge.
  virtual Result<FileContents> read(const std::string& path, std::size_t bytes_max) = 0;
  /// Replaces the file as one step (temporary file, fsync, rename), mode 0600; makes missing
  /// parent folders with mode 0700.
  virtual Result<void> replace(const std::string& path, const std::string& text) = 0;
  /// A regular file that the calling user may execute.
  virtual bool is_executable(const std::string& path) = 0;
};

}  // namespace mcpwire
