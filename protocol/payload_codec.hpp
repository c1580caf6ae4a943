// SPDX-License-Identifier: MIT
//
// PayloadBuilder and PayloadReader: the structs of protocol/params.hpp as bytes and back.
// The reader trusts nothing: sizes, ranges and counts are checked against the payload it was
// given, which must be private memory or sealed.
//
// Threading: values of one thread.
#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/text_pool.hpp"
#include "protocol/params.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::protocol {

/// True if a reserved field is in use. Nobody says anything in one without an agreed feature bit
/// (FRAME.md, section 10): it is refused, so that what a later version means by it is free of junk.
template <WireStruct Fixed>
bool uses_reserved(const Fixed& value) noexcept {
  if constexpr (requires { value.reserved; }) {
    return value.reserved != decltype(value.reserved){};
  } else {
    return false;
  }
}

/// Builds a payload: the fixed struct first, ranges behind it. `Fixed` begins with struct_bytes.
template <WireStruct Fixed>
class PayloadBuilder {
 public:
  /// `fixed_bytes`: less than all where the rest is zero and need not be said.
  explicit PayloadBuilder(std::size_t fixed_bytes = sizeof(Fixed))
      : bytes_(take_text(kFirstBytes)) {
    bytes_.resize(fixed_bytes);
    fixed.struct_bytes = static_cast<std::uint32_t>(fixed_bytes);
  }

  Fixed fixed{};

  /// Appends `text` and returns where it is.
  ByteRange add(std::string_view text) {
    const ByteRange range{static_cast<std::uint32_t>(bytes_.size()),
                          static_cast<std::uint32_t>(text.size())};
    bytes_.append(text);
    return range;
  }

  template <WireStruct Entry>
  ByteRange add_array(const std::vector<Entry>& entries) {
    const ByteRange range{static_cast<std::uint32_t>(bytes_.size()),
                          static_cast<std::uint32_t>(entries.size() * sizeof(Entry))};
    for (const Entry& entry : entries) bytes_.append(as_text(object_bytes(entry)));
    return range;
  }

  /// The finished payload. The builder is empty afterwards.
  std::string take() {
    std::ranges::copy(as_text(object_bytes(fixed)).substr(0, fixed.struct_bytes), bytes_.begin());
    return std::move(bytes_);
  }

 private:
  /// Holds a small call, so that it never grows. To be given back by recycle_text().
  static constexpr std::size_t kFirstBytes = 2048;
  static_assert(sizeof(Fixed) <= kFirstBytes);

  std::string bytes_;
};

/// Reads one payload. Spans it returns point into the payload.
class PayloadReader {
 public:
  explicit PayloadReader(ByteSpan payload) noexcept : payload_(payload) {}

  /// The fixed struct, fields that an older sender lacks zero-filled. kInvalid if the payload is
  /// shorter than it claims or than `kRequired` bytes, or uses a reserved field.
  template <WireStruct Fixed, std::size_t kRequired = sizeof(Fixed)>
  Result<Fixed> fixed() const {
    static_assert(kRequired <= sizeof(Fixed) && kRequired >= sizeof(std::uint32_t));
    if (payload_.size() < kRequired) return violation();
    const auto struct_bytes = load_object<std::uint32_t>(payload_);
    if (struct_bytes < kRequired || struct_bytes > payload_.size()) return violation();
    Fixed value{};
    std::memcpy(&value, payload_.data(), std::min<std::size_t>(struct_bytes, sizeof(Fixed)));
    if (uses_reserved(value)) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                  std::string("reserved field in use"));
    }
    return value;
  }

  /// The bytes of a range as text; kInvalid if it leaves the payload.
  Result<std::string_view> text(ByteRange range) const {
    if (range.offset > payload_.size() || range.bytes > payload_.size() - range.offset) {
      return violation();
    }
    return as_text(payload_.subspan(range.offset, range.bytes));
  }

  /// The entries of an array whose elements have `entry_bytes` each (the sender's sizeof).
  template <WireStruct Entry>
  Result<std::vector<Entry>> array(ByteRange range, std::uint32_t entry_bytes) const {
    const std::string_view all = TRY(text(range));
    if (entry_bytes == 0 || all.size() % entry_bytes != 0) {
      if (all.empty()) return std::vector<Entry>{};
      return violation();
    }
    std::vector<Entry> entries;
    entries.reserve(all.size() / entry_bytes);
    for (std::size_t at = 0; at < all.size(); at += entry_bytes) {
      Entry entry{};
      std::memcpy(&entry, all.data() + at, std::min<std::size_t>(entry_bytes, sizeof(Entry)));
      entries.push_back(entry);
    }
    return entries;
  }

 private:
  static Failure violation() {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("payload shorter than its fields or ranges say"));
  }

  ByteSpan payload_;
};

/// The payload of an answer that is neither ok nor peer_error.
std::string build_error_body(const Error& error, bool may_have_been_sent);

/// What build_error_body wrote, as an Error again.
struct ParsedErrorBody {
  Error error;
  bool may_have_been_sent = false;
};
Result<ParsedErrorBody> parse_error_body(ByteSpan payload);

}  // namespace mcpwire::protocol
