// SPDX-License-Identifier: MIT
#include "io/http/detail/http_listener.hpp"

#include "io/http/detail/http_status.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::io::detail {
namespace {

constexpr std::uint64_t kPauseMsDefault = 1000;
constexpr std::uint64_t kPauseMsMax = 60'000;
constexpr unsigned kDoublingsMax = 6;
/// Streams in a row that bring nothing although they end after the time that the server named.
constexpr unsigned kFruitlessBelieved = 10;

}  // namespace

void HttpListener::start() {
  status_ = 0;
  has_heard_ = false;
  HttpSink& sink = *this;
  exchange_ = peer_.client.start(peer_.listen(reader_.last_event_id()), sink);
}

void HttpListener::on_head(const HttpHead& head) {
  status_ = head.status;
  reader_.begin(head);
  const bool is_stream = status_ == kHttpOk && reader_.kind() == BodyKind::kEvents;
  // 405 is how a server says that it has none; the rest would not be better the next time either.
  if (!is_stream) give_up(no_stream(status_));
}

void HttpListener::on_body(std::string_view bytes) {
  if (!reader_.feed(bytes)) give_up(message_too_large(peer_.limits.message_bytes_max));
}

void HttpListener::on_message(std::string_view json, LargeLine memory) {
  has_heard_ = true;
  owner_.on_listener_message(json, std::move(memory));
}

void HttpListener::on_end(const HttpEnd& end) {
  exchange_.reset();
  if (again_ == ListenAgain::kNo) return give_up(end.error.value_or(broken_off()));
  fruitless_ = has_heard_ ? 0 : fruitless_ + 1;
  peer_.loop.arm(*this, peer_.loop.now_ns() + pause_ns());
}

std::uint64_t HttpListener::pause_ns() const noexcept {
  const std::uint64_t named_ms = reader_.retry_ms();
  const bool is_named = named_ms != SseParser::kNoRetry;
  // A server may name no time at all and then end every stream at once.
  const bool is_believed = is_named && fruitless_ <= kFruitlessBelieved;
  if (is_believed) return named_ms * kNanosecondsPerMillisecond;
  const std::uint64_t ms =
      std::min(kPauseMsDefault << std::min(fruitless_, kDoublingsMax), kPauseMsMax);
  return std::max(ms, is_named ? named_ms : 0) * kNanosecondsPerMillisecond;
}

void HttpListener::give_up(const Error& why) {
  exchange_.reset();
  reader_.stop();
  owner_.on_listener_end(why, status_);
}

}  // namespace mcpwire::io::detail
