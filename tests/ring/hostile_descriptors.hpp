// SPDX-License-Identifier: MIT
//
// Descriptors that a hostile peer may send where a sealed memory file is expected.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace mcpwire::ring {

/// What a correct peer would send: a file of `bytes` with these seals, beginning with `content`.
struct WantedFile {
  std::size_t bytes;
  int seals;
  std::string content;
};

struct HostileDescriptor {
  const char* name;
  std::function<UniqueFd(const WantedFile&)> make;
};

inline UniqueFd make_file(const WantedFile& wanted) {
  UniqueFd file(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const std::size_t content = std::min(wanted.content.size(), wanted.bytes);
  EXPECT_EQ(::write(file.get(), wanted.content.data(), content), static_cast<ssize_t>(content));
  EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(wanted.bytes)), 0);
  EXPECT_EQ(::fcntl(file.get(), F_ADD_SEALS, wanted.seals), 0);
  return file;
}

inline UniqueFd make_with_bytes(WantedFile wanted, std::size_t bytes) {
  wanted.bytes = bytes;
  return make_file(wanted);
}

/// Without one of the seals.
inline UniqueFd make_without(WantedFile wanted, int seal) {
  wanted.seals &= ~seal;
  return make_file(wanted);
}

inline UniqueFd open_file(const char* path, int flags) {
  UniqueFd file(::open(path, flags | O_CLOEXEC, 0600));
  EXPECT_TRUE(file) << path;
  return file;
}

/// On tmpfs as memory files are, but with a name. Sealing it is refused by the kernel.
inline UniqueFd make_tmpfs_file(const WantedFile& wanted) {
  UniqueFd file = open_file("/dev/shm", O_TMPFILE | O_RDWR);
  EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(wanted.bytes)), 0);
  return file;
}

inline UniqueFd make_pipe_end(std::size_t end) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd other(ends[1 - end]);
  return UniqueFd(ends[end]);
}

inline const std::vector<HostileDescriptor>& hostile_descriptors() {
  static const std::vector<HostileDescriptor> kAll = {
      {"empty file", [](const WantedFile& w) { return make_with_bytes(w, 0); }},
      {"one byte short", [](const WantedFile& w) { return make_with_bytes(w, w.bytes - 1); }},
      {"one byte long", [](const WantedFile& w) { return make_with_bytes(w, w.bytes + 1); }},
      {"one page short",
       [](const WantedFile& w) { return make_with_bytes(w, w.bytes > 4096 ? w.bytes - 4096 : 0); }},
      {"one page long", [](const WantedFile& w) { return make_with_bytes(w, w.bytes + 4096); }},
      {"2^40 bytes, sparse",
       [](const WantedFile& w) { return make_with_bytes(w, std::size_t{1} << 40); }},
      {"unsealed", [](const WantedFile& w) { return make_without(w, ~0); }},
      {"no SHRINK seal", [](const WantedFile& w) { return make_without(w, F_SEAL_SHRINK); }},
      {"no GROW seal", [](const WantedFile& w) { return make_without(w, F_SEAL_GROW); }},
      {"no write seal",
       [](const WantedFile& w) { return make_without(w, F_SEAL_WRITE | F_SEAL_FUTURE_WRITE); }},
      {"no SEAL seal", [](const WantedFile& w) { return make_without(w, F_SEAL_SEAL); }},
      {"sealing refused at creation",
       [](const WantedFile& w) {
         UniqueFd file(::memfd_create("hostile", MFD_CLOEXEC));
         EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(w.bytes)), 0);
         return file;
       }},
      {"pipe, its read end", [](const WantedFile&) { return make_pipe_end(0); }},
      {"pipe, its write end", [](const WantedFile&) { return make_pipe_end(1); }},
      {"directory", [](const WantedFile&) { return open_file("/", O_RDONLY | O_DIRECTORY); }},
      {"socket",
       [](const WantedFile&) {
         return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
       }},
      {"/dev/null", [](const WantedFile&) { return open_file("/dev/null", O_RDWR); }},
      {"/dev/zero", [](const WantedFile&) { return open_file("/dev/zero", O_RDWR); }},
      {"tmpfs file", make_tmpfs_file},
      {"eventfd", [](const WantedFile&) { return UniqueFd(::eventfd(0, EFD_CLOEXEC)); }},
      {"epoll", [](const WantedFile&) { return UniqueFd(::epoll_create1(EPOLL_CLOEXEC)); }},
      {"O_PATH of a correct file",
       [](const WantedFile& w) {
         const UniqueFd file = make_file(w);
         return open_file(("/proc/self/fd/" + std::to_string(file.get())).c_str(), O_PATH);
       }},
  };
  return kAll;
}

/// Open descriptors of this process.
inline std::size_t count_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 4096; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) ++count;
  }
  return count;
}

}  // namespace mcpwire::ring
