// SPDX-License-Identifier: MIT
//
// FakeByteReader and FakeByteWriter: the two ends of a stream whose other side is the test. As
// with real streams, callbacks come from the loop's queue and never inside the call that caused
// them.
//
// Threading: the loop's thread.
#pragma once

#include "protocol/base/seams/byte_stream.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::test_support {

class FakeByteReader final : public ByteReader, private Runnable {
 public:
  explicit FakeByteReader(EventLoop& loop) noexcept : loop_(loop) {}

  void start(Sink& sink) override;
  void pause() override;
  void resume() override;
  void close() noexcept override;

  /// Delivers `text` as one chunk, once the reader is started and not paused.
  void feed(std::string_view text);
  /// Ends the stream behind all that was fed: end of file.
  void feed_end();
  /// Ends the stream with `error` behind all that was fed.
  void feed_error(Error error);

  bool is_started() const noexcept { return sink_ != nullptr; }
  bool is_paused() const noexcept { return paused_; }
  bool is_closed() const noexcept { return closed_; }
  /// Chunks that were fed and not yet delivered.
  std::size_t undelivered() const noexcept { return chunks_.size(); }

 private:
  void run() override;
  bool can_deliver() const noexcept;
  void schedule();

  EventLoop& loop_;
  Sink* sink_ = nullptr;
  std::deque<std::string> chunks_;
  std::optional<Error> end_;
  bool paused_ = false;
  bool closed_ = false;
};

class FakeByteWriter final : public ByteWriter, private Runnable {
 public:
  explicit FakeByteWriter(EventLoop& loop) noexcept : loop_(loop) {}

  void write(ByteSpan bytes, Completion& completion) override;
  bool is_busy() const noexcept override { return completion_ != nullptr; }
  void close() noexcept override;

  /// All bytes that were accepted, in order.
  const std::string& written() const noexcept { return written_; }
  /// As written(), which starts again empty.
  std::string take_written();

  /// From now on only `bytes` more are accepted; the write that goes beyond them completes with
  /// `error` and what was accepted of it, all later ones with nothing.
  void fail_after(std::size_t bytes, Error error);
  /// Writes complete only after unblock(), as with a peer that does not read.
  void block() noexcept { blocked_ = true; }
  /// A blocked write accepts this much now and the rest after unblock().
  void accept_while_blocked(std::size_t bytes);
  void unblock();

  /// What was accepted counts as not read by the other side, until told otherwise.
  void leave_unread(bool is_unread) noexcept { is_unread_ = is_unread; }
  std::size_t unread_bytes() const noexcept override { return is_unread_ ? written_.size() : 0; }

  bool is_closed() const noexcept { return closed_; }
  std::size_t write_calls() const noexcept { return write_calls_; }

 private:
  void run() override;
  void accept(std::size_t bytes);

  EventLoop& loop_;
  std::string written_;
  ByteSpan pending_;
  std::size_t accepted_ = 0;
  Completion* completion_ = nullptr;
  std::optional<Error> failure_;
  std::size_t room_ = 0;
  std::size_t write_calls_ = 0;
  bool blocked_ = false;
  bool closed_ = false;
  bool is_unread_ = false;
};

}  // namespace mcpwire::test_support
