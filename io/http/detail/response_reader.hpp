// SPDX-License-Identifier: MIT
//
// ResponseReader: the body of an HTTP answer as JSON-RPC messages, whether it is one JSON text or a
// stream of events.
//
// Threading: the loop's thread.
// Invariants: the sink must not destroy the reader in a callback.
// Memory: one message, of at most `message_bytes_max`.
#pragma once

#include "io/http/http_client.hpp"
#include "io/http/sse_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::io::detail {

enum class BodyKind : std::uint8_t { kNone, kJson, kEvents, kOther };

class ResponseReader final : private SseParser::Sink {
 public:
  class Sink {
   public:
    /// Raw text that calls itself a message; valid during the call, or with `memory`, if there is
    /// some, as long as that.
    virtual void on_message(std::string_view json, LargeLine memory) = 0;
    /// An event of another type than "message".
    virtual void on_other_event(const SseEvent& event) { static_cast<void>(event); }

   protected:
    ~Sink() = default;
  };

  /// All outlive it.
  ResponseReader(Sink& sink, std::size_t message_bytes_max, LargeLinePool& lines) noexcept
      : sink_(sink),
        events_(*this, message_bytes_max, &lines),
        message_bytes_max_(message_bytes_max),
        text_(message_bytes_max, &lines) {}

  /// A new body begins; what is known of the last event stays, for resumption.
  void begin(const HttpHead& head);
  /// False: a message is over the limit.
  [[nodiscard]] bool feed(std::string_view bytes);
  /// The body is complete.
  void finish();
  /// Nothing is told any more.
  void stop() noexcept;
  /// Of a stream: what comes is kept, not told, until release(). May be called by the sink.
  void hold() noexcept { events_.hold(); }
  bool is_held() const noexcept { return events_.is_held(); }
  /// As feed().
  [[nodiscard]] bool release() { return events_.release(); }

  BodyKind kind() const noexcept { return kind_; }
  const std::string& last_event_id() const noexcept { return events_.last_event_id(); }
  std::uint64_t retry_ms() const noexcept { return events_.retry_ms(); }

 private:
  void on_event(const SseEvent& event, LargeLine memory) override;

  Sink& sink_;
  SseParser events_;
  std::size_t message_bytes_max_;
  MessageText text_;
  BodyKind kind_ = BodyKind::kNone;
};

}  // namespace mcpwire::io::detail
