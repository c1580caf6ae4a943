// SPDX-License-Identifier: MIT
//
// Log: the daemon's log file, bounded by rotation. Writing never fails the caller: on a full disk
// lines are lost and counted, and the daemon goes on.
// Values from configurations (environment, arguments) are never given to it.
//
// Threading: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::daemon {

class Log {
 public:
  /// Appends to `path` (mode 0600), keeping at most two files of 1 MiB. A file that cannot be
  /// opened, or is no regular file of ours with one name, leaves a log that counts and drops.
  explicit Log(const std::string& path);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void info(std::string_view line);
  void warn(std::string_view line);

  /// Lines that could not be written.
  std::uint64_t lost_lines() const noexcept;
  /// Why there is no log file; empty where there is one.
  const std::string& fault() const noexcept { return fault_; }

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
  std::string fault_;
};

}  // namespace mcpwire::daemon
