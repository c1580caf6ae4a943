// SPDX-License-Identifier: MIT
#include "tests/support/fake_file_system.hpp"

#include <cerrno>
#include <utility>

namespace mcpwire::test_support {
namespace {
constexpr std::uint32_t kRegularFile = 0100000;
}

Result<FakeFileSystem::File*> FakeFileSystem::find(const std::string& path) {
  if (const auto failure = failures_.find(path); failure != failures_.end()) {
    return fail(failure->second);
  }
  const auto file = files_.find(path);
  if (file == files_.end()) return fail(Error::from_errno(ErrorKind::kNotFound, ENOENT, path));
  return &file->second;
}

Result<FileStatus> FakeFileSystem::status(const std::string& path) {
  return TRY(find(path))->status;
}

Result<FileContents> FakeFileSystem::read(const std::string& path, std::size_t bytes_max) {
  const File& file = *TRY(find(path));
  ++reads_;
  if (file.text.size() > bytes_max) return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge);
  return FileContents{file.text, file.status};
}

Result<void> FakeFileSystem::replace(const std::string& path, const std::string& text) {
  if (const auto failure = failures_.find(path); failure != failures_.end()) {
    return fail(failure->second);
  }
  ++replaces_;
  files_.erase(path);
  put(path, text);
  return {};
}

bool FakeFileSystem::is_executable(const std::string& path) {
  const Result<File*> file = find(path);
  return file.has_value() && (file.value()->status.mode & 0111U) != 0;
}

void FakeFileSystem::put(const std::string& path, std::string text, std::uint32_t permissions) {
  File& file = files_[path];
  file.text = std::move(text);
  FileStatus& status = file.status;
  if (status.identity.inode == 0) status.identity.inode = next_inode_++;
  status.identity.device = 1;
  status.identity.bytes = file.text.size();
  status.identity.modified_ns = next_change_ns_;
  status.identity.changed_ns = next_change_ns_++;
  status.owner_uid = kOwner;
  status.mode = kRegularFile | permissions;
}

void FakeFileSystem::set_owner(const std::string& path, std::uint32_t uid) {
  FileStatus& status = files_.at(path).status;
  status.owner_uid = uid;
  status.identity.changed_ns = next_change_ns_++;
}

void FakeFileSystem::fail_with(const std::string& path, std::optional<Error> error) {
  failures_.erase(path);
  if (error.has_value()) failures_.emplace(path, *std::move(error));
}

}  // namespace mcpwire::test_support
