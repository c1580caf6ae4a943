// SPDX-License-Identifier: MIT
//
// HttpListener: the stream on which a legacy server says what nobody asked for (GET), and in
// HTTP+SSE everything. It is opened anew behind the last event where the server ends it.
//
// Threading: the loop's thread.
#pragma once

#include "io/http/detail/http_peer.hpp"
#include "io/http/detail/response_reader.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace mcpwire::io::detail {

/// What it does when its stream ends.
enum class ListenAgain : std::uint8_t {
  kNo,   ///< HTTP+SSE: the conversation ends with it.
  kYes,  ///< After the time that the server named, longer and longer while nothing comes.
};

class HttpListener final : private HttpSink, private ResponseReader::Sink, private Timer {
 public:
  class Owner {
   public:
    virtual void on_listener_message(std::string_view json, LargeLine memory) = 0;
    /// Of another type than "message": "endpoint".
    virtual void on_listener_event(const SseEvent& event) = 0;
    /// It is over for good. `status` is 0 if there was no answer.
    virtual void on_listener_end(const Error& why, int status) = 0;

   protected:
    ~Owner() = default;
  };

  HttpListener(HttpPeer& peer, Owner& owner, ListenAgain again) noexcept
      : peer_(peer),
        owner_(owner),
        reader_(*this, peer.limits.message_bytes_max, peer.codec.lines),
        again_(again) {}

  void start();

 private:
  bool may_send() override { return true; }
  void on_head(const HttpHead& head) override;
  void on_body(std::string_view bytes) override;
  void on_end(const HttpEnd& end) override;
  void on_message(std::string_view json, LargeLine memory) override;
  void on_other_event(const SseEvent& event) override { owner_.on_listener_event(event); }
  void on_timer() override { start(); }
  void give_up(const Error& why);
  std::uint64_t pause_ns() const noexcept;

  HttpPeer& peer_;
  Owner& owner_;
  ResponseReader reader_;
  std::unique_ptr<HttpExchange> exchange_;
  ListenAgain again_;
  int status_ = 0;
  unsigned fruitless_ = 0;  ///< Streams in a row that brought nothing.
  bool has_heard_ = false;
};

}  // namespace mcpwire::io::detail
