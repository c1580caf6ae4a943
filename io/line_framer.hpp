// SPDX-License-Identifier: MIT
//
// LineFramer: cuts a byte stream into the newline-delimited messages of MCP's stdio transport.
// A line that lies wholly inside the delivered bytes is handed out in place; only one that is
// split over deliveries is copied, and its buffer is given back once it is delivered.
//
// Threading: a value of one thread.
// Invariants: no line is longer than the limit; a partial line at the end is not a message; the
// buffer never holds more than the limit and keeps at most kKeptBytes between lines.
#pragma once

#include "protocol/base/bytes.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mcpwire::io {

inline constexpr std::size_t kLineBytesMaxDefault = std::size_t{64} << 20;

class LineFramer {
 public:
  class Sink {
   public:
    /// One line without its "\n" or "\r\n", never blank, valid during the call only. The sink may
    /// call stop(), but not destroy the framer.
    virtual void on_line(std::string_view line) = 0;
    /// A line exceeded the limit; the rest of it will be discarded. Comes once per such line.
    virtual void on_oversize() = 0;

   protected:
    ~Sink() = default;
  };

  /// Bytes of buffer that survive a line, so that an idle connection costs next to nothing.
  static constexpr std::size_t kKeptBytes = 512;

  /// `line_bytes_max` does not count the newline. REQUIRES: line_bytes_max >= 1.
  explicit LineFramer(Sink& sink, std::size_t line_bytes_max = kLineBytesMaxDefault);

  /// Delivers every line that `bytes` completes.
  void feed(ByteSpan bytes);

  /// The stream ended: forgets a partial line and tells how many bytes it had.
  std::size_t finish() noexcept;

  /// Delivers nothing from now on, not even the rest of the bytes being fed.
  void stop() noexcept;

  std::size_t buffered_bytes() const noexcept { return partial_.size(); }
  std::size_t capacity_bytes() const noexcept { return partial_.capacity(); }

 private:
  void take_piece(std::string_view piece);
  void end_line(std::string_view last_piece);
  void deliver(std::string_view line);
  void release_buffer() noexcept;

  Sink& sink_;
  std::size_t line_bytes_max_;
  std::string partial_;
  bool discarding_ = false;
  bool is_first_line_ = true;
  bool is_stopped_ = false;
};

}  // namespace mcpwire::io
