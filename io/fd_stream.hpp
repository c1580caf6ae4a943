// SPDX-License-Identifier: MIT
//
// FdReader and FdWriter: ByteReader and ByteWriter over one pipe or stream socket each. A reader
// shares its loop's buffers and holds none while it is idle; a writer has one write in flight and
// continues short ones, so that bytes of two writes never interleave.
//
// Threading: the loop's thread.
// Invariants: a descriptor is closed only after the kernel has let go of it, because a close with
// an operation in flight closes nothing; both may be closed or destroyed inside their callbacks.
#pragma once

#include "io/detail/op.hpp"
#include "io/loop.hpp"
#include "protocol/base/seams/byte_stream.hpp"
#include "protocol/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>

namespace mcpwire::io {

/// Which of the loop's buffer groups a reader draws from.
enum class TrafficClass : std::uint8_t {
  kBulk,   ///< Standard output of servers: LoopOptions::bulk_buffers.
  kSmall,  ///< Standard error and other chatter: LoopOptions::small_buffers.
};

class FdReader final : public ByteReader {
 public:
  FdReader(Loop& loop, UniqueFd fd, TrafficClass traffic);
  ~FdReader() override;

  void start(Sink& sink) override;
  void pause() override;
  void resume() override;
  void close() noexcept override;

 private:
  class Reading;
  detail::OpPtr<Reading> reading_;
};

class FdWriter final : public ByteWriter {
 public:
  FdWriter(Loop& loop, UniqueFd fd);
  ~FdWriter() override;

  /// An empty write completes in the next turn. SIGPIPE must be ignored (io/signal_watcher.hpp).
  void write(ByteSpan bytes, Completion& completion) override;
  bool is_busy() const noexcept override;
  /// Of a pipe.
  std::size_t unread_bytes() const noexcept override;
  void close() noexcept override;

 private:
  class Writing;
  detail::OpPtr<Writing> writing_;
};

}  // namespace mcpwire::io
