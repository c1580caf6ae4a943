// SPDX-License-Identifier: MIT
//
// What a measurement needs of the machine: silence, CPUs, a folder of its own.
// Threading: one thread.
#pragma once

#include "protocol/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::bench_tool {

/// Lets `ns` pass: asleep if that is long enough for a sleep to be exact, else spinning.
void wait_ns(std::uint64_t ns) noexcept;

/// Binds a process to one CPU; -1 changes nothing. 0 is the calling process.
Result<void> pin_process(std::int32_t process_id, int cpu);

/// pins[index], or -1 where none is given.
int pin_at(const std::vector<int>& pins, std::size_t index) noexcept;

/// The path of a program that lies beside our own executable.
Result<std::string> sibling_program(const std::string& name);

/// A new private directory that is removed, with all in it, at the end.
class ScratchDirectory {
 public:
  static Result<ScratchDirectory> create();
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();
  const std::string& path() const noexcept { return path_; }

 private:
  explicit ScratchDirectory(std::string path) noexcept : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace mcpwire::bench_tool
