// SPDX-License-Identifier: MIT
//
// The table of corruptions: every field of a record's header and of the control page that a peer
// can write, and 24 values for each. RingOracle: a second reading of protocol/FRAME.md, which says
// what a reader has to make of any bytes in a ring.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/payload.hpp"
#include "ring/segment_layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::ring {

enum class FieldHome : std::uint8_t { kRecord, kPage };

struct Field {
  const char* name;
  FieldHome home;
  std::size_t offset;
  std::size_t bytes;
};

/// The call whose word is in the table, and one that has not been made.
inline constexpr std::uint64_t kTableCall = 9;
inline constexpr std::uint64_t kTableOtherCall = 11;

constexpr std::size_t call_word_offset(std::uint64_t correlation) noexcept {
  return offsetof(ControlPage, call_words) + 8 * protocol::call_word_index(correlation);
}

inline constexpr std::array<Field, 17> kFields = {{
    {"magic", FieldHome::kRecord, 0, 4},
    {"version", FieldHome::kRecord, 4, 4},
    {"flags", FieldHome::kRecord, 8, 4},
    {"method", FieldHome::kRecord, 12, 4},
    {"payload_len", FieldHome::kRecord, 16, 4},
    {"commit", FieldHome::kRecord, 20, 4},
    {"correlation", FieldHome::kRecord, 24, 8},
    {"constants.magic", FieldHome::kPage, offsetof(SegmentConstants, magic), 8},
    {"constants.layout_version", FieldHome::kPage, offsetof(SegmentConstants, layout_version), 4},
    {"constants.ring_bytes", FieldHome::kPage, offsetof(SegmentConstants, ring_bytes), 4},
    {"constants.call_window", FieldHome::kPage, offsetof(SegmentConstants, call_window), 4},
    {"constants.reserved", FieldHome::kPage, offsetof(SegmentConstants, reserved), 4},
    {"consumer_position", FieldHome::kPage, offsetof(ControlPage, consumer_position), 8},
    {"wait_word", FieldHome::kPage, offsetof(ControlPage, wait_word), 8},
    {"space_wait_word", FieldHome::kPage, offsetof(ControlPage, space_wait_word), 8},
    {"call_word", FieldHome::kPage, call_word_offset(kTableCall), 8},
    {"other_call_word", FieldHome::kPage, call_word_offset(kTableOtherCall), 8},
}};
inline constexpr std::size_t kValuesPerField = 24;

inline bool is_field(const Field& field, const char* name) {
  return std::strcmp(field.name, name) == 0;
}

inline std::uint64_t load_field(const Field& field, const std::byte* home) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, home + field.offset, field.bytes);
  return value;
}
inline void store_field(const Field& field, std::byte* home, std::uint64_t value) noexcept {
  std::memcpy(home + field.offset, &value, field.bytes);
}

/// What the interesting values depend on.
struct CorruptionContext {
  std::uint32_t ring_bytes = 0;
  std::uint64_t position = 0;  ///< Of the record.
  std::uint64_t written = 0;   ///< By the honest side into its own ring.
};

namespace detail {

inline std::vector<std::uint64_t> limits_of(const Field& field, std::uint64_t good,
                                            const CorruptionContext& context) {
  const std::uint64_t ring = context.ring_bytes;
  if (is_field(field, "magic")) return {0x4843'504d, 0x5743'504d'00, 0x7763'706d};
  if (is_field(field, "version")) return {3, 0x0100'0000, 0x101};
  if (is_field(field, "flags")) {
    return {3, 4, 5, 0xf, 0x11, 0x21, 0x31, 0x41, 0x101, 0x104, 0x604, 0x704, 0x1001, 0x23, 0x103};
  }
  if (is_field(field, "method")) return {3, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  if (is_field(field, "payload_len")) {
    const std::uint64_t max = record_payload_bytes_max(context.ring_bytes);
    return {max - 1,     max,
            max + 1,     23,
            24,          25,
            32,          33,
            ring - 1,    ring,
            65'504,      65'505,
            0xffff'ffe0, ring - context.position % ring - 31};
  }
  if (is_field(field, "commit")) {
    return {lap_tag(context.position + 64),
            lap_tag(context.position - 64),
            lap_tag(context.position + ring),
            lap_tag(context.position - ring),
            good ^ 0x8000'0000,
            good & 0xffff,
            0x1'0000};
  }
  if (is_field(field, "correlation")) {
    const std::uint64_t max = protocol::kCorrelationMax;
    return {max,         max + 1,     max - 1,     good + 256,
            0x7fff'ffff, 0x8000'0000, 0xffff'ffff, 0x1'0000'0000};
  }
  if (is_field(field, "constants.ring_bytes")) {
    return {ring / 2, 2 * ring, ring + 64, kRingBytesMax, 2 * kRingBytesMax, kRingBytesMin / 2};
  }
  if (is_field(field, "constants.call_window")) return {128, 512, 257, 255};
  if (is_field(field, "consumer_position")) {
    const std::uint64_t at = context.written;
    return {at,
            at + 1,
            at + 64,
            at - 64,
            at + ring,
            at - ring,
            at - ring - 64,
            good + 64,
            good - 64,
            good + 33,
            std::uint64_t{1} << 32,
            (std::uint64_t{1} << 32) - 64,
            0x8000'0000,
            ~std::uint64_t{63}};
  }
  if (is_field(field, "wait_word") || is_field(field, "space_wait_word")) {
    return {3,
            good ^ 1,
            good + 2,
            good + 3,
            0x1'0000'0001,
            0x7fff'ffff,
            0xffff'ffff,
            kRetiringWaitWord,
            kRetiringWaitWord - 1,
            kRetiringWaitWord + 1,
            kRetiredWaitWord - 2};
  }
  if (is_field(field, "call_word") || is_field(field, "other_call_word")) {
    const std::uint64_t call = is_field(field, "call_word") ? kTableCall : kTableOtherCall;
    return {protocol::make_revoked_word(call),
            call << 8,
            call << 8 | 1,
            call << 8 | 2,
            call << 8 | 4,
            call << 8 | 5,
            protocol::make_revoked_word(call + 256),
            protocol::make_revoked_word(call + 1),
            call << 8 | 0xfe,
            0xff,
            call};
  }
  return {};
}

}  // namespace detail

/// The value that is there (the table's control case) and 23 others, all different: those of every
/// field, then `limits`, then single flipped bits.
inline std::array<std::uint64_t, kValuesPerField> values_with(
    const Field& field, std::uint64_t good, const std::vector<std::uint64_t>& limits) {
  const std::uint64_t high = std::uint64_t{1} << (8 * field.bytes - 1);
  const std::uint64_t mask = high | (high - 1);
  std::vector<std::uint64_t> candidates = {good, 0, 1, 2, mask, high, high - 1, high + 1};
  candidates.insert(candidates.end(), limits.begin(), limits.end());
  candidates.insert(candidates.end(), {good + 1, good - 1});
  for (std::size_t bit = 0; bit < 8 * field.bytes; ++bit) {
    candidates.push_back(good ^ (std::uint64_t{1} << (bit * 5 % (8 * field.bytes))));
  }
  std::array<std::uint64_t, kValuesPerField> values{};
  std::size_t count = 0;
  for (std::uint64_t candidate : candidates) {
    candidate &= mask;
    if (std::find(values.begin(), values.begin() + count, candidate) != values.begin() + count) {
      continue;
    }
    values[count++] = candidate;
    if (count == values.size()) return values;
  }
  std::abort();  // Fewer than 24: the table would have holes.
}

inline std::array<std::uint64_t, kValuesPerField> values_of(const Field& field, std::uint64_t good,
                                                            const CorruptionContext& context) {
  return values_with(field, good, detail::limits_of(field, good, context));
}

inline std::string describe(const Field& field, std::size_t index, std::uint64_t good,
                            std::uint64_t value) {
  std::ostringstream text;
  text << field.name << " value " << index << ": 0x" << std::hex << value << " instead of 0x"
       << good;
  return text.str();
}

/// Where in a connection's life the field is spoilt.
enum class Point : std::uint8_t {
  kHandshakeFrame,
  kHandshakeSegment,
  kFirstRecord,
  kMidStream,
  kAfterWrap,
  kInBatch,
  kParkedForData,
  kParkedForSpace,
  kWhileMapped,
  kAfterClose,
};

struct CorruptCase {
  const Field& field;
  std::size_t index;
  Point point;
  std::uint64_t good = 0;
  std::uint64_t value = 0;
};

/// Every field with every value at one point, up to the first failure.
template <class RunCase>
void run_corrupt_table(Point point, RunCase&& run_case) {
  std::size_t count = 0;
  for (const Field& field : kFields) {
    for (std::size_t index = 0; index < kValuesPerField; ++index) {
      CorruptCase tried{field, index, point};
      run_case(tried);
      ++count;
      if (testing::Test::HasFailure()) {
        FAIL() << describe(field, index, tried.good, tried.value);
      }
    }
  }
  std::printf("%zu cases\n", count);
  EXPECT_EQ(count, 17U * 24U);
}

struct ExpectedFrame {
  protocol::FrameHeader header;
  std::string payload;
};

/// Reads a ring as FRAME.md says it must be read. Who reads decides what may be said.
class RingOracle {
 public:
  enum class End : std::uint8_t { kWaits, kViolation };

  RingOracle(std::uint32_t ring_bytes, bool reads_a_client, std::uint64_t position = 0)
      : ring_bytes_(ring_bytes), reads_a_client_(reads_a_client), position_(position) {}

  /// All that a reader must deliver now; end() says why it stopped.
  std::vector<ExpectedFrame> read(const std::byte* ring) {
    std::vector<ExpectedFrame> frames;
    while (end_ == End::kWaits) {
      const std::byte* record = ring + position_ % ring_bytes_;
      const std::uint64_t room = ring_bytes_ - position_ % ring_bytes_;
      const auto header = load_object<protocol::FrameHeader>({record, 32});
      if (header.commit == 0) return frames;
      if (header.commit != (static_cast<std::uint32_t>(position_ / 64) | 0x8000'0000U)) break;
      if (is_pad(header, room)) {
        position_ += room;
        continue;
      }
      if (!obeys_header_rules(header.request, room)) break;
      const std::uint64_t taken = (32 + std::uint64_t{header.request.payload_len} + 63) / 64 * 64;
      ExpectedFrame frame{header, std::string(as_text({record + 32, header.request.payload_len}))};
      frame.header.commit = 0;
      if (reads_a_client_ ? !is_allowed_of_client(frame) : !is_allowed_of_daemon(frame)) break;
      position_ += taken;
      if (!is_held_back_) frames.push_back(std::move(frame));
    }
    end_ = End::kViolation;
    return frames;
  }

  End end() const noexcept { return end_; }
  std::uint64_t position() const noexcept { return position_; }

  /// Memory files that were announced, by slab and generation.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> files;

 private:
  bool is_pad(const protocol::FrameHeader& header, std::uint64_t room) const {
    const auto& request = header.request;
    return (request.flags & 0xf) == 0 && std::memcmp(request.magic.data(), "MCPW", 4) == 0 &&
           request.version == 1 && request.flags == 0 && request.method == 0 &&
           request.payload_len == room && room < ring_bytes_ / 4;
  }

  bool obeys_header_rules(const protocol::RequestHeader& header, std::uint64_t room) const {
    const std::uint32_t kind = header.flags & 0xf;
    const std::uint32_t outcome = header.flags >> 8 & 0xf;
    if (std::memcmp(header.magic.data(), "MCPW", 4) != 0 || header.version != 1) return false;
    if ((header.flags & 0xffff'f0c0) != 0 || kind < 1 || kind > 4) return false;
    if (header.method < 1 || header.method > 19 || outcome > 6) return false;
    if (kind != 2 && kind != 4 && outcome != 0) return false;
    if (header.payload_len > ring_bytes_ / 4 - 32) return false;
    if ((header.flags & 0x20) != 0 && header.payload_len != 24) return false;
    return (32 + std::uint64_t{header.payload_len} + 63) / 64 * 64 <= room;
  }

  bool take_mapped(ExpectedFrame& frame) {
    protocol::MappedDescriptor descriptor;
    std::memcpy(&descriptor, frame.payload.data(), sizeof descriptor);
    const auto found = files.find({descriptor.slab, descriptor.generation});
    if (found == files.end()) return false;
    const std::string file = std::move(found->second);
    files.erase(found);
    if (!protocol::descriptor_fits(descriptor, file.size())) return false;
    frame.payload = file.substr(descriptor.offset, descriptor.length);
    frame.header.request.flags &= ~0x20U;
    frame.header.request.payload_len = static_cast<std::uint32_t>(frame.payload.size());
    return true;
  }

  bool is_allowed_of_client(ExpectedFrame& frame) {
    const std::uint32_t kind = frame.header.request.flags & 0xf;
    const std::uint32_t method = frame.header.request.method;
    if (frame.header.correlation >> 56 != 0) return false;
    if (kind == 1) {
      const bool is_request =
          (method >= 2 && method <= 5) || method == 7 || method == 8 || method == 16;
      if (frame.header.correlation == 0 || !is_request) return false;
    } else if (kind != 3 || (method != 6 && method != 18)) {
      return false;
    }
    if ((frame.header.request.flags & 0x10) != 0) return false;
    return (frame.header.request.flags & 0x20) == 0 || take_mapped(frame);
  }

  /// A message in pieces is held back until its last piece.
  bool is_allowed_of_daemon(ExpectedFrame& frame) {
    if ((frame.header.request.flags & 0xf) == 3 && frame.header.request.method == 11) return false;
    if ((frame.header.request.flags & 0x20) != 0 && !take_mapped(frame)) return false;
    const bool has_more = (frame.header.request.flags & 0x10) != 0;
    is_held_back_ = has_more;
    if (begun_.empty()) {
      if (has_more) begun_.push_back(frame);
      return true;
    }
    protocol::FrameHeader& first = begun_.front().header;
    const bool continues = first.correlation == frame.header.correlation &&
                           first.request.method == frame.header.request.method &&
                           (first.request.flags | 0x10) == (frame.header.request.flags | 0x10);
    if (!continues) return false;
    begun_.front().payload += frame.payload;
    if (has_more) return true;
    frame.payload = std::move(begun_.front().payload);
    frame.header.request.payload_len = static_cast<std::uint32_t>(frame.payload.size());
    begun_.clear();
    return true;
  }

  std::uint32_t ring_bytes_;
  bool reads_a_client_;
  std::uint64_t position_;
  End end_ = End::kWaits;
  bool is_held_back_ = false;
  std::vector<ExpectedFrame> begun_;
};

}  // namespace mcpwire::ring
