// SPDX-License-Identifier: MIT
#include "protocol/json/detail/structural_index.hpp"

#include "protocol/base/check.hpp"
#include "protocol/request_header.hpp"

#include <simdjson.h>

#include <bit>
#include <new>

namespace mcpwire::protocol::json::detail {
namespace {

constexpr std::size_t kFirstCapacityBytes = 16 * 1024;
static_assert(kMessageBytesMax <= UINT32_MAX, "positions are 32 bits wide");

const std::uint8_t* text_bytes(std::string_view text) noexcept {
  // simdjson wants bytes; both are character types, and each may look at the other's.
  // NOLINTNEXTLINE(bugprone-casting-through-void)
  return static_cast<const std::uint8_t*>(static_cast<const void*>(text.data()));
}

JsonFault fault_of(simdjson::error_code error) noexcept {
  switch (error) {
    case simdjson::SUCCESS:
      return JsonFault::kNone;
    case simdjson::EMPTY:
      return JsonFault::kEmpty;
    case simdjson::UTF8_ERROR:
      return JsonFault::kEncoding;
    case simdjson::UNCLOSED_STRING:
      return JsonFault::kUnclosedString;
    case simdjson::UNESCAPED_CHARS:
      return JsonFault::kControlCharacter;
    default:
      return JsonFault::kGrammar;
  }
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

struct StructuralIndex::Stage {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> implementation;
};

StructuralIndex::StructuralIndex() noexcept = default;
StructuralIndex::StructuralIndex(StructuralIndex&&) noexcept = default;
StructuralIndex& StructuralIndex::operator=(StructuralIndex&&) noexcept = default;
StructuralIndex::~StructuralIndex() = default;

JsonFault StructuralIndex::ensure_capacity(std::unique_ptr<Stage>& stage,
                                           std::size_t bytes) noexcept {
  if (stage != nullptr && stage->implementation->capacity() >= bytes) return JsonFault::kNone;
  const std::size_t wanted =
      std::bit_ceil(bytes < kFirstCapacityBytes ? kFirstCapacityBytes : bytes);
  auto grown = std::unique_ptr<Stage>(new (std::nothrow) Stage);
  if (grown == nullptr) return JsonFault::kOutOfMemory;
  // The depth bound is the second stage's business, which never runs here.
  const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
      wanted, 1, grown->implementation);
  if (error != simdjson::SUCCESS) return JsonFault::kOutOfMemory;
  stage = std::move(grown);
  return JsonFault::kNone;
}

JsonFault StructuralIndex::build(std::string_view text) noexcept {
  count_ = 0;
  if (text.empty()) return JsonFault::kEmpty;
  if (text.size() > kMessageBytesMax) return JsonFault::kTooLarge;
  std::unique_ptr<Stage>& stage = text.size() <= kKeptBytesMax ? kept_ : jumbo_;
  if (const JsonFault fault = ensure_capacity(stage, text.size()); fault != JsonFault::kNone) {
    return fault;
  }
  auto& implementation = *stage->implementation;
  const auto error =
      implementation.stage1(text_bytes(text), text.size(), simdjson::stage1_mode::regular);
  if (error != simdjson::SUCCESS) return fault_of(error);
  positions_ = implementation.structural_indexes.get();
  count_ = implementation.n_structural_indexes;
  MCPWIRE_CHECK(positions_[count_] == text.size());
  return JsonFault::kNone;
}

void StructuralIndex::release_jumbo() noexcept {
  if (jumbo_ == nullptr) return;
  jumbo_.reset();
  positions_ = nullptr;
  count_ = 0;
}

}  // namespace mcpwire::protocol::json::detail
