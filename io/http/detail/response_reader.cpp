// SPDX-License-Identifier: MIT
#include "io/http/detail/response_reader.hpp"

#include <utility>

namespace mcpwire::io::detail {
namespace {

BodyKind kind_of(std::string_view media_type) noexcept {
  if (media_type == "text/event-stream") return BodyKind::kEvents;
  const bool is_json = media_type == "application/json" || media_type.ends_with("+json");
  return is_json ? BodyKind::kJson : BodyKind::kOther;
}

}  // namespace

void ResponseReader::begin(const HttpHead& head) {
  kind_ = kind_of(head.media_type());
  text_.clear();
  events_.begin_stream();
}

bool ResponseReader::feed(std::string_view bytes) {
  switch (kind_) {
    case BodyKind::kEvents:
      return events_.feed(bytes);
    case BodyKind::kJson:
      if (bytes.size() > message_bytes_max_ - text_.size()) return false;
      text_.append(bytes);
      return true;
    case BodyKind::kNone:
    case BodyKind::kOther:
      break;
  }
  return true;
}

void ResponseReader::finish() {
  if (kind_ != BodyKind::kJson || text_.empty()) return;
  MessageText text = std::exchange(text_, text_.empty_one());
  const std::string_view json = text.view();
  sink_.on_message(json, text.take_memory());
}

void ResponseReader::stop() noexcept {
  events_.stop();
  text_.clear();
  kind_ = BodyKind::kNone;
}

void ResponseReader::on_event(const SseEvent& event, LargeLine memory) {
  if (event.type == "message") {
    sink_.on_message(event.data, std::move(memory));
  } else {
    sink_.on_other_event(event);
  }
}

}  // namespace mcpwire::io::detail
