// SPDX-License-Identifier: MIT
//
// RpcLineQueue: lines on their way to a server's standard input. One write is in flight at a time;
// the rest waits here, up to a limit in bytes, so that a server that does not read cannot make us
// grow.
// The one decision: the queue owns the bytes, not the request. A request may end while its line is
// being written, and the bytes must stay until the kernel is done with them.
//
// Threading: the loop's thread.
// Invariants: an owner hears of its line at most once more after may_start(): on_line_sent or
// on_line_failed; after a failed write no line is started.
#pragma once

#include "io/mcp/outgoing_observer.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/byte_stream.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::io::detail {

/// Whoever answers for one line. None of its calls may use the queue.
class RpcLineOwner {
 public:
  /// Called right before the first byte is handed over. False drops the line unwritten.
  virtual bool may_start() = 0;
  /// The kernel accepted the last byte.
  virtual void on_line_sent() = 0;
  /// The write broke off. `is_complete`: all but the newline was accepted, so a lenient reader may
  /// act on it.
  virtual void on_line_failed(bool is_complete) = 0;

 protected:
  ~RpcLineOwner() = default;
};

/// One line: a text, or a text, a large body that others keep as well, and the end.
struct RpcLine {
  RpcLine() = default;
  RpcLine(std::string text) noexcept : head(std::move(text)) {}  // Implicit: a text is a line.

  std::size_t size() const noexcept { return head.size() + body.size() + tail.size(); }
  std::string_view last_part() const noexcept {
    return tail.empty() ? std::string_view(head) : tail;
  }

  std::string head;
  std::shared_ptr<const std::string> memory;  ///< What `body` lies in.
  std::string_view body;                      ///< Without a line break.
  std::string_view tail;                      ///< A constant.
};

class RpcLineQueue final : private ByteWriter::Completion {
 public:
  class FailureObserver {
   public:
    /// Comes once. No line will be written any more.
    virtual void on_write_failed(const Error& why) = 0;
    /// A write ended and no other was started.
    virtual void on_writer_idle() = 0;

   protected:
    ~FailureObserver() = default;
  };

  /// `bytes_max` counts all that waits or is being written. A line with an owner is refused once
  /// more than that is there, so that its own size does not matter; one without if it would not
  /// fit. `outgoing` may be null.
  RpcLineQueue(ByteWriter& writer, FailureObserver& observer, std::size_t bytes_max,
               OutgoingObserver* outgoing) noexcept
      : writer_(writer), observer_(observer), bytes_max_(bytes_max), outgoing_(outgoing) {}

  /// Queues `line`, which ends in a newline, and starts it if nothing is in flight. `owner` may be
  /// null. Errors: kOverloaded/kQueueFull; kDisconnected/kClosed after stop() or a failed write.
  Result<void> push(RpcLine line, RpcLineOwner* owner);

  /// The owner leaves: its waiting line is dropped, one in flight is finished without it.
  void forget(const RpcLineOwner& owner) noexcept;

  /// Starts no further line and drops those that wait. One in flight is finished.
  void stop() noexcept;

  bool is_writing() const noexcept { return !in_flight_.empty(); }
  std::size_t queued_bytes() const noexcept { return queued_bytes_; }

 private:
  static constexpr std::size_t kSpareLinesMax = 8;
  static constexpr int kParts = 3;
  struct Line {
    std::string_view part(int number) const noexcept;
    RpcLine text;
    RpcLineOwner* owner = nullptr;
    int parts_begun = 0;
    std::size_t written = 0;
  };

  void start_next();
  bool write_next_part(Line& line);
  void tell_outgoing(const RpcLine& line);
  void on_written(std::size_t written, const Error* error) override;

  ByteWriter& writer_;
  FailureObserver& observer_;
  std::size_t bytes_max_;
  OutgoingObserver* outgoing_;
  std::size_t queued_bytes_ = 0;
  std::list<Line> waiting_;
  std::list<Line> in_flight_;  ///< At most one; a list, so that the bytes never move.
  std::list<Line> spare_;      ///< Empty ones, so that a warm line allocates nothing.
  bool is_stopped_ = false;
};

}  // namespace mcpwire::io::detail
