// SPDX-License-Identifier: MIT
//
// SseParser on foreign bytes. Beyond "no crash": the events do not depend on where the stream was
// cut, and the parser never holds more than its limit.
// Input: the first two bytes choose where it is cut, the rest is the stream.
#include "io/http/sse_parser.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using mcpwire::io::SseEvent;
using mcpwire::io::SseParser;

constexpr std::size_t kEventBytesMax = 256;

struct Events final : SseParser::Sink {
  void on_event(const SseEvent& event, mcpwire::io::LargeLine) override {
    MCPWIRE_CHECK(event.data.size() <= kEventBytesMax + 1);
    all.push_back(std::string(event.type) + '\0' + std::string(event.data));
  }
  std::vector<std::string> all;
};

struct Outcome {
  std::vector<std::string> events;
  std::string last_event_id;
  std::uint64_t retry_ms = 0;
  bool is_within_limit = true;
  bool operator==(const Outcome&) const = default;
};

Outcome parse(std::string_view stream, std::size_t piece_bytes) {
  Events events;
  SseParser parser(events, kEventBytesMax);
  Outcome outcome;
  while (!stream.empty() && outcome.is_within_limit) {
    const std::size_t count = std::min(piece_bytes, stream.size());
    outcome.is_within_limit = parser.feed(stream.substr(0, count));
    stream.remove_prefix(count);
  }
  outcome.events = std::move(events.all);
  outcome.last_event_id = parser.last_event_id();
  outcome.retry_ms = parser.retry_ms();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text = mcpwire::as_text(std::as_bytes(std::span(data, size)));
  const std::size_t piece_bytes = 1 + data[0] % 64;
  const std::string_view stream = text.substr(2);
  const Outcome whole = parse(stream, std::max<std::size_t>(1, stream.size()));
  MCPWIRE_CHECK(parse(stream, piece_bytes) == whole);
  MCPWIRE_CHECK(parse(stream, 1) == whole);
  return 0;
}
