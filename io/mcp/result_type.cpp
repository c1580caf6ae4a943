// SPDX-License-Identifier: MIT
#include "io/mcp/result_type.hpp"

#include "io/mcp/ended_reply.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/mcp/method.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace mcpwire::io {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;

constexpr std::string_view kKey = "\"resultType\"";
constexpr std::string_view kComplete = "\"resultType\":\"complete\"";
constexpr std::size_t kShownBytes = 64;

/// True if the first or the last member of `result`, a valid object, says that it is complete. What
/// stands directly behind the brace that opens the object, or between a comma and the brace that
/// closes it, is a member of it and not text inside a string: there the quotes would be escaped.
bool says_complete(std::string_view result) noexcept {
  if (result.starts_with('{') && result.substr(1).starts_with(kComplete)) {
    const std::string_view rest = result.substr(1 + kComplete.size());
    return rest.starts_with(',') || rest.starts_with('}');
  }
  if (!result.ends_with('}')) return false;
  result.remove_suffix(1);
  if (!result.ends_with(kComplete)) return false;
  result.remove_suffix(kComplete.size());
  return result.ends_with(',');
}

std::string_view kind_name(std::string_view raw) noexcept {
  if (raw.empty()) return "empty";
  switch (json::value_kind(raw)) {
    case json::ValueKind::kArray:
      return "an array";
    case json::ValueKind::kString:
      return "a string";
    case json::ValueKind::kNumber:
      return "a number";
    case json::ValueKind::kBoolean:
      return "true or false";
    default:
      return "null";
  }
}

std::optional<ResultType> allowed_type(std::string_view name, ResultRules rules) noexcept {
  if (name == "complete") return ResultType::kComplete;
  if (name == "input_required" && rules.may_need_input) return ResultType::kInputRequired;
  if (name == "task" && rules.may_be_task) return ResultType::kTask;
  return std::nullopt;
}

}  // namespace

ResultRules result_rules(mcp::Revision revision, std::string_view method,
                         mcp::ClientAbilities abilities) noexcept {
  if (!mcp::facts_of(revision).has_result_type) return {};
  const mcp::MethodFacts* const facts = mcp::find_method(method);
  return {.has_kinds = true,
          .may_need_input = facts != nullptr && facts->may_need_input,
          .may_be_task = method == mcp::kToolsCall && abilities.has(mcp::ClientAbility::kTasks)};
}

std::string why_no_object(std::string_view result) {
  if (result.starts_with('{')) return {};
  return "the server's result is " + std::string(kind_name(result)) +
         ", and a result must be an object";
}

void require_object(RpcReply& reply) {
  if (reply.outcome != protocol::Outcome::kOk || reply.body.view() == "null") return;
  std::string why = why_no_object(reply.body);
  if (!why.empty()) reply = broken_reply(std::move(why));
}

void apply_result_rules(json::ValueReader& reader, ResultRules rules, RpcReply& reply) {
  if (!rules.has_kinds || reply.outcome != protocol::Outcome::kOk) return;
  const std::string_view result = reply.body;
  // Absent means complete, says the specification.
  if (says_complete(result) || result.find(kKey) == result.npos) return;
  constexpr std::array<std::string_view, 1> kNames = {"resultType"};
  std::array<std::string_view, 1> raw;
  if (!reader.extract_fields(result, kNames, raw).has_value()) {
    reply = broken_reply("the server's result is not one JSON object");
    return;
  }
  if (raw[0].empty()) return;
  const std::string name = json::decode_string(raw[0]).value_or(std::string());
  const std::optional<ResultType> type = allowed_type(name, rules);
  if (type.has_value()) {
    reply.result_type = *type;
    return;
  }
  // Before the reply that `raw` looks into goes.
  std::string why = "the server's result is of type " + std::string(raw[0].substr(0, kShownBytes)) +
                    ", which this request cannot have";
  reply = broken_reply(std::move(why));
}

}  // namespace mcpwire::io
