// SPDX-License-Identifier: MIT
#include "io/http/sse_parser.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::io {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kMessage = "message";
/// Ids go back to the server in a header.
constexpr std::size_t kIdBytesMax = 4096;
constexpr std::string_view kDataStart = "data:";

/// The end of `bytes` where there is none.
const char* find_byte(std::string_view bytes, char wanted) noexcept {
  return bytes.data() + std::min(bytes.find(wanted), bytes.size());
}

}  // namespace

bool SseParser::feed(std::string_view bytes) {
  if (is_held_) {
    kept_ += bytes;
    return true;
  }
  if (state_ == State::kStart) bytes = without_mark(bytes);
  // One search for each kind of end: a search for either looks at each byte by itself.
  const char* cr = find_byte(bytes, '\r');
  while (!bytes.empty() && state_ != State::kStopped) {
    if (state_ == State::kAfterCr) {
      state_ = State::kLine;
      if (bytes.front() == '\n') bytes.remove_prefix(1);
      continue;
    }
    if (cr < bytes.data()) cr = find_byte(bytes, '\r');
    const std::string_view before_cr = bytes.substr(0, static_cast<std::size_t>(cr - bytes.data()));
    const std::size_t end = std::min(before_cr.find('\n'), before_cr.size());
    if (end == bytes.size()) return keep(bytes);
    // Before the line is told: what it sets off may stop the parser.
    state_ = bytes[end] == '\r' ? State::kAfterCr : State::kLine;
    if (!take_line(bytes.substr(0, end))) return false;
    bytes.remove_prefix(end + 1);
    if (is_held_) {
      kept_ = bytes;
      break;
    }
  }
  return true;
}

bool SseParser::release() {
  is_held_ = false;
  const std::string kept = std::exchange(kept_, {});
  return feed(kept);
}

void SseParser::stop() noexcept {
  state_ = State::kStopped;
  is_held_ = false;
  kept_.clear();
}

void SseParser::begin_stream() {
  state_ = State::kStart;
  in_comment_ = in_data_ = has_data_ = is_held_ = false;
  kept_.clear();
  line_.clear();
  data_.clear();
  type_.clear();
  id_ = last_event_id_;
}

/// The mark may come in pieces; a beginning of it that turns out to be none belongs to the line.
std::string_view SseParser::without_mark(std::string_view bytes) {
  while (!bytes.empty() && state_ == State::kStart) {
    if (bytes.front() != kByteOrderMark[line_.size()]) {
      state_ = State::kLine;
      break;
    }
    line_ += bytes.front();
    bytes.remove_prefix(1);
    if (line_.size() == kByteOrderMark.size()) {
      line_.clear();
      state_ = State::kLine;
    }
  }
  return bytes;
}

bool SseParser::take_line(std::string_view line) {
  if (line_.empty() && !in_comment_ && !in_data_) {
    // All of it is here: no copy. The limit holds all the same.
    const bool is_over = line.size() + data_.size() > event_bytes_max_;
    if (is_over && !line.starts_with(':')) {
      stop();
      return false;
    }
    on_line(line);
    return true;
  }
  if (!keep(line)) return false;
  const bool was_comment = std::exchange(in_comment_, false);
  const bool was_data = std::exchange(in_data_, false);
  if (!was_comment && !was_data) {
    const std::string whole = std::exchange(line_, {});
    on_line(whole);
  }
  return true;
}

bool SseParser::keep(std::string_view part) {
  if (in_comment_) return true;
  if (line_.empty() && !in_data_ && part.starts_with(':')) {
    in_comment_ = true;
    return true;
  }
  if (part.size() + line_.size() + data_.size() > event_bytes_max_) {
    stop();
    return false;
  }
  if (in_data_) {
    data_.append(part);
    return true;
  }
  line_ += part;
  // A blank behind the colon does not count: it must be there, or something else.
  const bool is_data = line_.size() > kDataStart.size() && line_.starts_with(kDataStart);
  if (is_data) {
    in_data_ = true;
    on_line(line_);
    line_.clear();
  }
  return true;
}

void SseParser::on_line(std::string_view line) {
  if (line.empty()) return dispatch();
  const std::size_t colon = line.find(':');
  if (colon == 0) return;
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  on_field(line.substr(0, colon), value);
}

void SseParser::on_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (std::exchange(has_data_, true)) data_.append("\n");
    data_.append(value);
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    const bool is_usable = value.size() <= kIdBytesMax && value.find('\0') == value.npos;
    if (is_usable) id_ = value;
  } else if (name == "retry") {
    on_retry(value);
  }
}

void SseParser::on_retry(std::string_view digits) noexcept {
  if (digits.empty()) return;
  std::uint64_t ms = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return;
    ms = std::min(kRetryMsMax, ms * 10 + static_cast<std::uint64_t>(digit - '0'));
  }
  retry_ms_ = ms;
}

void SseParser::dispatch() {
  last_event_id_ = id_;
  const std::string type = std::exchange(type_, {});
  MessageText data = std::exchange(data_, data_.empty_one());
  if (!std::exchange(has_data_, false) || data.empty()) return;
  const std::string_view text = data.view();
  sink_.on_event({type.empty() ? kMessage : std::string_view(type), text}, data.take_memory());
}

}  // namespace mcpwire::io
