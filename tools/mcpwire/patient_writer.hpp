// SPDX-License-Identifier: MIT
//
// PatientWriter: writes to a descriptor whose reader may never read, so that Ctrl-C and SIGTERM end
// the wait for that reader. They interrupt nothing else: what the reader has room for is written
// whole, also if a signal came before.
//
// Threading: a value of one thread.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcpwire::cli {

class PatientWriter {
 public:
  /// `fd` is not owned.
  explicit PatientWriter(int fd) noexcept : fd_(fd) {}

  /// 0, or the errno of what failed. EINTR: interrupted_by() came and the reader took no more.
  int write_all(std::string_view text) noexcept;

  /// The signal that ended a wait; 0: none.
  int interrupted_by() const noexcept { return interrupted_by_; }

 private:
  /// How the descriptor is kept from holding us.
  enum class Way : std::uint8_t {
    kUndecided,
    kPlain,       ///< A file, say: nobody's reading is waited for.
    kOwnOpening,  ///< A pipe or terminal, opened once more as non-blocking.
    kSocket,
    kSmallParts,  ///< As much as poll() promises room for.
  };
  void decide() noexcept;
  long write_part(std::string_view text) noexcept;
  bool wait_for_room() noexcept;
  bool was_signalled(int wait_ms, bool& has_room) noexcept;

  int fd_;
  Way way_ = Way::kUndecided;
  UniqueFd opening_;
  UniqueFd signals_;
  int interrupted_by_ = 0;
};

}  // namespace mcpwire::cli
