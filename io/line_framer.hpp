// SPDX-License-Identifier: MIT
//
// LineFramer: cuts a byte stream into the newline-delimited messages of MCP's stdio transport.
// A line that lies wholly inside the delivered bytes is handed out in place; one that is split over
// deliveries is copied, and its buffer is given back once it is delivered. One that is still not
// complete after kLargeBytes gets memory of its own, which the rest of it is read into (room()),
// and which goes along with it: of a large line only what had arrived until then is copied.
//
// Threading: a value of one thread.
// Invariants: no line is longer than the limit; a partial line at the end is not a message; the
// buffer never holds more than the limit and keeps at most kKeptBytes between lines.
#pragma once

#include "io/large_line.hpp"
#include "io/transport_limits.hpp"
#include "protocol/base/bytes.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mcpwire::io {

inline constexpr std::size_t kLineBytesMaxDefault = TransportLimits{}.line_bytes_max;

class LineFramer {
 public:
  class Sink {
   public:
    /// One line without its "\n" or "\r\n", never blank, valid during the call only. The sink may
    /// call stop(), but not destroy the framer.
    virtual void on_line(std::string_view line) = 0;
    /// A line in memory of its own, which the sink may keep. As on_line() otherwise.
    virtual void on_large_line(std::string_view line, LargeLine memory) {
      static_cast<void>(memory);
      on_line(line);
    }
    /// A line exceeded the limit; the rest of it will be discarded. Comes once per such line.
    virtual void on_oversize() = 0;

   protected:
    ~Sink() = default;
  };

  /// Bytes of buffer that survive a line, so that an idle connection costs next to nothing.
  static constexpr std::size_t kKeptBytes = 512;

  /// A line that has as much and is not complete is a large one.
  static constexpr std::size_t kLargeBytes = std::size_t{64} << 10;
  /// Of one read into room().
  static constexpr std::size_t kRoomBytesMax = std::size_t{1} << 20;

  /// `line_bytes_max` does not count the newline. REQUIRES: line_bytes_max >= 1. Without `lines`
  /// large lines are as others.
  explicit LineFramer(Sink& sink, std::size_t line_bytes_max = kLineBytesMaxDefault,
                      LargeLinePool* lines = nullptr);

  /// Delivers every line that `bytes` completes.
  void feed(ByteSpan bytes);

  /// Memory for what comes next, while a large line is under way; else empty.
  MutableByteSpan room() const noexcept;
  /// So many bytes were put into room().
  void filled(std::size_t bytes);

  /// The stream ended: forgets a partial line and tells how many bytes it had.
  std::size_t finish() noexcept;

  /// Delivers nothing from now on, not even the rest of the bytes being fed.
  void stop() noexcept;

  std::size_t buffered_bytes() const noexcept { return partial_.size() + large_bytes_; }
  std::size_t capacity_bytes() const noexcept { return partial_.capacity(); }

 private:
  void take_piece(std::string_view piece);
  void append_last(std::string_view piece);
  std::string_view trim(std::string_view line) noexcept;
  void end_line(std::string_view last_piece);
  void deliver(std::string_view line);
  void release_buffer() noexcept;
  void try_grow_large();
  std::string_view copy_into_large(std::string_view bytes);
  void advance(std::size_t bytes);
  void end_large_line(std::size_t line_bytes);

  Sink& sink_;
  std::size_t line_bytes_max_;
  LargeLinePool* lines_;
  std::string partial_;
  LargeLine large_;
  std::size_t large_bytes_ = 0;  ///< Of the line, in large_.
  bool discarding_ = false;
  bool is_first_line_ = true;
  bool is_stopped_ = false;
};

}  // namespace mcpwire::io
