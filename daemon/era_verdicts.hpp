// SPDX-License-Identifier: MIT
//
// DiskEraVerdicts: what was found out about servers, in a small file of the user's cache, so that a
// new daemon need not probe what the one before knew. Nothing depends on it: a file that cannot be
// read, belongs to somebody else or is not of the documented form is an empty one, and one that
// cannot be written costs probes.
//
// It is written a while after something was found out, all of it at once: the fsync of it has no
// business beside the first answer of the server that it tells of.
//
// The file: a header line, then `<key> modern|legacy|legacy-sse <seconds since 1970>` per server;
// of one on pipes the key is verdict_key() (transport_factory.hpp), else its identity. Daemons of
// several runtime directories share it; the last to write wins.
//
// Threading: the loop's thread; the file is read and written on the helper thread.
// Invariants: what this daemon found out itself is never replaced by what it reads; at most one
// write is under way.
#pragma once

#include "io/cancel.hpp"
#include "io/helper_thread.hpp"
#include "io/mcp/era_verdicts.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/file_system.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::daemon {

/// A server that was updated to the modern era still answers as a legacy one.
inline constexpr std::uint64_t kLegacyVerdictSeconds = 24 * 60 * 60;
inline constexpr std::size_t kEraVerdictsMax = 1024;
inline constexpr std::uint64_t kEraVerdictsPauseNs = 2 * kNanosecondsPerSecond;

/// Where the file is, by XDG_CACHE_HOME and HOME as the environment has them; empty without a home.
std::string era_verdicts_path(std::string_view cache_home, std::string_view home);

class DiskEraVerdicts final : public io::EraVerdicts {
 public:
  /// Everything given outlives it. With an empty path nothing is read or written.
  DiskEraVerdicts(EventLoop& loop, io::HelperThread& helper, FileSystem& files, const Clock& clock,
                  std::string path);

  /// Reads the file, in the background.
  void start_reading();
  /// Ends when all that was found out is written. REQUIRES: called before destruction if load()
  /// was.
  io::task<void> stop();

  std::optional<io::EraVerdict> find(std::string_view identity) override;
  void keep(std::string_view identity, io::EraVerdict verdict) override;
  void forget(std::string_view identity) override;

 private:
  struct Entry {
    io::EraVerdict verdict;
    std::uint64_t found_at_s = 0;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  static std::optional<Entries> parse(std::string_view text);
  static std::optional<std::pair<std::string, Entry>> parse_line(std::string_view line);
  std::string to_text() const;
  std::uint64_t now_s() const noexcept;
  void note_change();
  void drop_oldest();
  io::task<Result<void>> read();
  io::task<Result<void>> write();

  EventLoop& loop_;
  FileSystem& files_;
  io::HelperThread& helper_;
  const Clock& clock_;
  std::string path_;
  io::CancelScope pause_;  ///< Before a write; given up at the end.
  io::Scope work_;
  Entries entries_;
  bool is_changed_ = false;  ///< Since the last write began.
  bool is_writing_ = false;
  bool is_stopped_ = false;
};

}  // namespace mcpwire::daemon
