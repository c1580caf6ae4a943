// SPDX-License-Identifier: MIT
//
// FakeFileSystem: files in memory. Every change gives a file a new identity, as on a real disk.
// Threading: one thread.
#pragma once

#include "protocol/base/seams/file_system.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace mcpwire::test_support {

class FakeFileSystem final : public FileSystem {
 public:
  static constexpr std::uint32_t kOwner = 1000;

  Result<FileStatus> status(const std::string& path) override;
  Result<FileContents> read(const std::string& path, std::size_t bytes_max) override;
  Result<void> replace(const std::string& path, const std::string& text) override;
  bool is_executable(const std::string& path) override;

  /// Creates or overwrites a regular file with these permission bits.
  void put(const std::string& path, std::string text, std::uint32_t permissions = 0600);
  void set_owner(const std::string& path, std::uint32_t uid);
  void remove(const std::string& path) { files_.erase(path); }
  /// Every later use of `path` fails with `error`; nullopt ends that.
  void fail_with(const std::string& path, std::optional<Error> error);

  std::size_t reads() const noexcept { return reads_; }
  std::size_t replaces() const noexcept { return replaces_; }

 private:
  struct File {
    std::string text;
    FileStatus status;
  };
  Result<File*> find(const std::string& path);

  std::map<std::string, File> files_;
  std::map<std::string, Error> failures_;
  std::uint64_t next_inode_ = 100;
  std::int64_t next_change_ns_ = 1;
  std::size_t reads_ = 0;
  std::size_t replaces_ = 0;
};

}  // namespace mcpwire::test_support
