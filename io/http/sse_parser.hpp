// SPDX-License-Identifier: MIT
//
// SseParser: text/event-stream as the HTML standard has it (section 9.2.6), fed in pieces of any
// size: the events do not depend on where the stream was cut.
//
// Lines end with LF, CR or CRLF; a byte order mark in front is skipped; lines that begin with ':'
// are comments; several `data` lines are joined with LF; an `id` with a NUL and a `retry` that is
// not all digits are ignored; an event without data sets the id and is not told; what the stream
// ends in the middle of is dropped.
//
// Threading: one thread.
// Memory: at most `event_bytes_max` for an unfinished line and the data before it together, and
// what is fed while it is held, which whoever feeds it bounds; comments take none, however long.
#pragma once

#include "io/http/message_text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::io {

struct SseEvent {
  std::string_view type;  ///< "message" where the stream names none.
  std::string_view data;
};

class SseParser {
 public:
  class Sink {
   public:
    /// The views are valid during the call, that of the data with `memory`, if there is some, as
    /// long as that. It must not destroy the parser; stop() ends it.
    virtual void on_event(const SseEvent& event, LargeLine memory) = 0;

   protected:
    ~Sink() = default;
  };

  /// `sink` outlives the parser.
  /// `lines` outlives it, too; without it large data is as other data.
  SseParser(Sink& sink, std::size_t event_bytes_max, LargeLinePool* lines = nullptr) noexcept
      : sink_(sink), event_bytes_max_(event_bytes_max), data_(event_bytes_max, lines) {}

  /// False: an event is over the limit; what comes later is not read.
  [[nodiscard]] bool feed(std::string_view bytes);
  /// Reads nothing any more.
  void stop() noexcept;
  /// Keeps what is fed, unread, from the next line on: the sink has no room. May be called by it.
  void hold() noexcept { is_held_ = true; }
  bool is_held() const noexcept { return is_held_; }
  /// Goes on with what was kept; it may be held again meanwhile. As feed().
  [[nodiscard]] bool release();
  /// What comes next is another stream, which goes on where this one broke off: id and retry stay.
  void begin_stream();

  /// Of the last finished event; empty if there was none. What `Last-Event-ID` wants.
  const std::string& last_event_id() const noexcept { return last_event_id_; }

  /// How long to wait before connecting anew, as the stream said last; kNoRetry if it did not.
  static constexpr std::uint64_t kNoRetry = ~std::uint64_t{0};
  static constexpr std::uint64_t kRetryMsMax = 3'600'000;
  std::uint64_t retry_ms() const noexcept { return retry_ms_; }

 private:
  enum class State : std::uint8_t { kStart, kLine, kAfterCr, kStopped };

  std::string_view without_mark(std::string_view bytes);
  bool take_line(std::string_view line);
  bool keep(std::string_view part);
  void on_line(std::string_view line);
  void on_field(std::string_view name, std::string_view value);
  void on_retry(std::string_view digits) noexcept;
  void dispatch();

  Sink& sink_;
  std::size_t event_bytes_max_;
  State state_ = State::kStart;
  bool is_held_ = false;
  std::string kept_;  ///< While it is held: what is not read yet.
  std::string line_;  ///< What there is of an unfinished line; while kStart, of the mark.
  bool in_comment_ = false;
  bool in_data_ = false;  ///< Of an unfinished line, whose beginning has gone into data_.
  MessageText data_;
  bool has_data_ = false;
  std::string type_;
  std::string id_;
  std::string last_event_id_;
  std::uint64_t retry_ms_ = kNoRetry;
};

}  // namespace mcpwire::io
