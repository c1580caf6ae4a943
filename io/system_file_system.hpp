// SPDX-License-Identifier: MIT
//
// SystemFileSystem: files of the machine behind the FileSystem seam.
// Threading: any thread; calls block.
#pragma once

#include "protocol/base/seams/file_system.hpp"

namespace mcpwire::io {

class SystemFileSystem final : public FileSystem {
 public:
  /// Follows symbolic links: people link their configuration. ErrorKind::kNotFound where there is
  /// none, kConfiguration where it cannot be read or is no regular file.
  Result<FileStatus> status(const std::string& path) override;
  Result<FileContents> read(const std::string& path, std::size_t bytes_max) override;
  /// Where `path` is a symbolic link, the link itself is replaced.
  Result<void> replace(const std::string& path, const std::string& text) override;
  bool is_executable(const std::string& path) override;
};

}  // namespace mcpwire::io
