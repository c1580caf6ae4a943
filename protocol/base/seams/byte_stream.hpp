// SPDX-License-Identifier: MIT
//
// ByteReader and ByteWriter: the seam behind which bytes move, in either direction of a pipe or
// socket. Real ones: io/fd_stream.hpp; fake ones: tests/support/fake_byte_stream.hpp.
//
// Threading: the loop's thread.
// Invariants: a callback never runs inside the call that starts the operation; after close() no
// callback comes.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

#include <cstddef>

namespace mcpwire {

class ByteReader {
 public:
  /// Receives what is read.
  class Sink {
   public:
    /// `bytes` are valid during the call only.
    virtual void on_bytes(ByteSpan bytes) = 0;
    /// Memory that what comes next should be read into, where there is much of it; empty: any. It
    /// stays as it is until on_filled(), on_read_end() or close(). A reader may pay no heed to it,
    /// and what was under way still comes as on_bytes().
    virtual MutableByteSpan room() { return {}; }
    /// That many bytes were read into the room.
    virtual void on_filled(std::size_t bytes) { static_cast<void>(bytes); }
    /// Comes once and last: end of file (ErrorCode::kClosed) or the error that ended reading.
    virtual void on_read_end(const Error& why) = 0;

   protected:
    ~Sink() = default;
  };

  virtual ~ByteReader() = default;
  /// Starts delivering. `sink` must outlive the reader or its close().
  virtual void start(Sink& sink) = 0;
  /// Stops delivering after at most what is in flight now; the kernel's buffer then fills and
  /// slows the peer down.
  virtual void pause() = 0;
  virtual void resume() = 0;
  virtual void close() noexcept = 0;
};

class ByteWriter {
 public:
  class Completion {
   public:
    /// `written` of the bytes were accepted by the kernel. All of them unless `error` is set.
    virtual void on_written(std::size_t written, const Error* error) = 0;

   protected:
    ~Completion() = default;
  };

  virtual ~ByteWriter() = default;
  /// Writes all of `bytes`, which stay unchanged until the completion.
  /// REQUIRES: no other write is in flight (two on one stream would interleave).
  virtual void write(ByteSpan bytes, Completion& completion) = 0;
  virtual bool is_busy() const noexcept = 0;
  /// Bytes that the other side has yet to read; 0 where that cannot be told.
  virtual std::size_t unread_bytes() const noexcept { return 0; }
  /// Abandons a write in flight (its completion does not come) and closes the descriptor.
  virtual void close() noexcept = 0;
};

}  // namespace mcpwire
