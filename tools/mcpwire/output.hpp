// SPDX-License-Identifier: MIT
//
// Output: buffered writing to standard output or standard error whose failures are not lost.
// What others wrote (servers, configurations) is escaped where the descriptor is a terminal and
// passes through byte for byte where it is a file or a pipe.
//
// Threading: a value of one thread.
#pragma once

#include "protocol/outcome.hpp"
#include "tools/mcpwire/patient_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::cli {

class Output {
 public:
  /// `fd` is not owned.
  explicit Output(int fd);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { flush(); }

  bool is_terminal() const noexcept { return is_terminal_; }
  /// Of the terminal; 0 where it is none or does not tell.
  std::size_t columns() const noexcept { return columns_; }

  /// Our own words.
  Output& own(std::string_view text);
  /// Somebody else's words; line breaks stay.
  Output& foreign(std::string_view text);
  /// Somebody else's words that must not leave their line, whatever the descriptor is.
  Output& foreign_line(std::string_view text);
  /// A message that may have several lines and holds somebody else's words: escaped whatever the
  /// descriptor is, and every line but the first is indented, so that none passes for one of ours.
  Output& message(std::string_view text);

  void flush() noexcept;

  /// The signal that came while the reader took nothing; 0: none. Nothing is written any more.
  int interrupted_by() const noexcept { return writer_.interrupted_by(); }

  /// errno of the first write that failed; 0 if none did. EPIPE: the reader has gone; EINTR: see
  /// interrupted_by().
  int failure() const noexcept { return failure_; }

 private:
  PatientWriter writer_;
  bool is_terminal_;
  std::size_t columns_ = 0;
  int failure_ = 0;
  std::string buffer_;
};

/// Writes the rest and gives the exit code: `wanted`, unless it is kOk and standard output could
/// not be written (a full disk, say), which is own_failure_code() with a message. A reader that
/// went away early
/// (`| head`) is no failure: it has what it wanted, and the code tells what became of the command.
/// An interrupted output is told of with that code; the caller then ends by the signal.
protocol::ExitCode settle(Output& out, Output& err, protocol::ExitCode wanted);

/// False for a descriptor that is closed or was opened for reading only.
bool is_writable(int fd) noexcept;

/// Makes sure that descriptors 0 to 2 are taken, so that no file or socket of ours lands there and
/// is written to by mistake. A closed stdin reads as empty, a closed stdout fails to be written.
void occupy_standard_descriptors() noexcept;

}  // namespace mcpwire::cli
