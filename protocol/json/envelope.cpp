// SPDX-License-Identifier: MIT
#include "protocol/json/envelope.hpp"

#include "protocol/json/detail/escapes.hpp"
#include "protocol/json/detail/walker.hpp"
#include "protocol/json/string_token.hpp"

#include <array>

namespace mcpwire::protocol::json {
namespace {

using detail::Strictness;
using detail::Walker;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// The envelope's keys; kOther is any other top-level key.
enum Key : std::size_t { kJsonrpc, kId, kMethod, kParams, kResult, kError, kOther, kKeyCount };

Key key_of(std::string_view key) noexcept {
  switch (key.size()) {
    case 2:
      return key == "id" ? kId : kOther;
    case 5:
      return key == "error" ? kError : kOther;
    case 6:
      if (key == "method") return kMethod;
      if (key == "params") return kParams;
      return key == "result" ? kResult : kOther;
    case 7:
      return key == "jsonrpc" ? kJsonrpc : kOther;
    default:
      return kOther;
  }
}

/// Raw spans of the members, empty where absent. A value is never empty.
using Members = std::array<std::string_view, kKeyCount>;

JsonFault read_members(Walker& walker, Strictness strictness, Members& members) noexcept {
  if (walker.take('}')) return JsonFault::kNone;
  do {
    std::string_view key;
    if (const JsonFault fault = walker.take_key(key); fault != JsonFault::kNone) return fault;
    if (key.find('\\') != key.npos) return JsonFault::kEscapedKey;
    const Key slot = key_of(key);
    if (slot != kOther && !members[slot].empty()) return JsonFault::kDuplicateKey;
    const JsonFault fault = walker.take_value(members[slot], strictness, 1);
    if (fault != JsonFault::kNone) return fault;
  } while (walker.take(','));
  return walker.take('}') ? JsonFault::kNone : JsonFault::kGrammar;
}

/// Why a text that is neither object nor array is refused: a banner is no JSON, a number is.
JsonFault fault_of_other(Walker& walker) noexcept {
  std::string_view raw;
  const JsonFault fault = walker.take_value(raw, Strictness::kFull, 0);
  if (fault != JsonFault::kNone) return fault;
  return walker.at_end() ? JsonFault::kNotObject : JsonFault::kTrailing;
}

bool is_id_token(std::string_view token) noexcept {
  return token.starts_with('"') || detail::is_integer_token(token);
}

JsonFault check_call(const Members& members) noexcept {
  if (!members[kResult].empty() || !members[kError].empty()) return JsonFault::kResponse;
  if (!members[kMethod].starts_with('"')) return JsonFault::kMethod;
  if (!members[kId].empty() && !is_id_token(members[kId])) return JsonFault::kId;
  const std::string_view params = members[kParams];
  const bool is_structured = params.starts_with('{') || params.starts_with('[');
  return params.empty() || is_structured ? JsonFault::kNone : JsonFault::kParams;
}

JsonFault check_response(const Members& members) noexcept {
  const bool has_error = !members[kError].empty();
  if (has_error == !members[kResult].empty()) return JsonFault::kResponse;
  if (has_error && !members[kError].starts_with('{')) return JsonFault::kResponse;
  if (!members[kParams].empty()) return JsonFault::kParams;
  if (is_id_token(members[kId])) return JsonFault::kNone;
  const bool lacks_id = members[kId].empty() || members[kId] == "null";
  return has_error && lacks_id ? JsonFault::kNone : JsonFault::kId;
}

MessageKind kind_of(const Members& members) noexcept {
  if (!members[kResult].empty()) return MessageKind::kResult;
  if (!members[kError].empty()) return MessageKind::kError;
  return members[kId].empty() ? MessageKind::kNotification : MessageKind::kRequest;
}

}  // namespace

Result<Envelope> EnvelopeParser::parse(std::string_view line) {
  Envelope envelope;
  fault_ = read(line, envelope);
  index_.release_jumbo();
  if (fault_ != JsonFault::kNone) [[unlikely]]
    return fail(json_error(fault_));
  return envelope;
}

JsonFault EnvelopeParser::read(std::string_view line, Envelope& envelope) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (const JsonFault fault = index_.build(line); fault != JsonFault::kNone) return fault;
  const bool is_full = line.size() <= kFullValidationBytesMax;
  if (is_full && !detail::check_escapes(line)) return JsonFault::kEscape;

  Walker walker(line, index_);
  if (walker.peek() == '[') return JsonFault::kBatch;
  if (!walker.take('{')) return fault_of_other(walker);
  Members members;
  const JsonFault grammar =
      read_members(walker, is_full ? Strictness::kFull : Strictness::kBrackets, members);
  if (grammar != JsonFault::kNone) return grammar;
  if (!walker.at_end()) return JsonFault::kTrailing;
  // Of what routing reads, span mode has only the id's escapes left to check: the rules below know
  // every other byte of it, and the method is decoded.
  if (!is_full && !detail::check_escapes(members[kId])) return JsonFault::kEscape;

  if (members[kJsonrpc] != "\"2.0\"") return JsonFault::kVersion;
  const bool is_call = !members[kMethod].empty();
  const JsonFault rules = is_call ? check_call(members) : check_response(members);
  if (rules != JsonFault::kNone) return rules;
  envelope.kind = kind_of(members);
  if (members[kId] != "null") envelope.id = members[kId];
  envelope.params = members[kParams];
  envelope.result = members[kResult];
  envelope.error = members[kError];
  return is_call ? read_method(members[kMethod], envelope) : JsonFault::kNone;
}

JsonFault EnvelopeParser::read_method(std::string_view token, Envelope& envelope) {
  envelope.method = token.substr(1, token.size() - 2);
  // PHP's encoder writes "tools\/call": legal, and the same method.
  if (envelope.method.find('\\') == std::string_view::npos) return JsonFault::kNone;
  Result<std::string> decoded = decode_string(token);
  if (!decoded) return JsonFault::kMethod;
  method_ = std::move(*decoded);
  envelope.method = method_;
  return JsonFault::kNone;
}

}  // namespace mcpwire::protocol::json
