// SPDX-License-Identifier: MIT
#include "tools/demo_server/questions.hpp"

#include <array>
#include <utility>

namespace mcpwire::demo {
namespace {

using protocol::json::MessageKind;
using protocol::json::Writer;

/// With an escape in it: whoever passes it on must not write it anew.
constexpr std::string_view kState = R"("demo\u002fstate")";

struct Words {
  std::string_view method;
  std::string_view params;
};

Words words_of(Question question) {
  switch (question) {
    case Question::kElicitation:
      return {"elicitation/create",
              R"({"message":"What is your name?","requestedSchema":{"type":"object",)"
              R"("properties":{"name":{"type":"string","title":"Name"}},"required":["name"]}})"};
    case Question::kSampling:
      return {"sampling/createMessage",
              R"({"messages":[{"role":"user","content":{"type":"text","text":"Say hi."}}],)"
              R"("maxTokens":16})"};
    case Question::kRoots:
      break;
  }
  return {"roots/list", "{}"};
}

}  // namespace

void Questions::ask(const Caller& caller, Question question, std::string_view params) {
  const Words words = words_of(question);
  if (caller.revision == kModern) {
    static constexpr std::array<std::string_view, 2> kNames = {"inputResponses", "requestState"};
    std::array<std::string_view, 2> given;
    static_cast<void>(reader_.extract_fields(params, kNames, given));
    if (!given[0].empty()) return answer_modern(caller, given[0], given[1]);
    Writer writer(out_);
    writer.begin_object().key("jsonrpc").string("2.0").key("id").raw(caller.id);
    writer.key("result").begin_object().key("resultType").string("input_required");
    writer.key("inputRequests").begin_object().key("q").begin_object();
    writer.key("method").string(words.method).key("params").raw(words.params);
    writer.end_object().end_object().key("requestState").raw(kState);
    writer.end_object().end_object();
    out_ += '\n';
    return;
  }
  const std::string id = "\"demo-" + std::to_string(next_id_++) + "\"";
  Writer writer(out_);
  writer.begin_object().key("jsonrpc").string("2.0").key("id").raw(id);
  writer.key("method").string(words.method).key("params").raw(words.params).end_object();
  out_ += '\n';
  waiting_.emplace(id, Waiting{std::string(caller.id), caller.revision});
}

void Questions::answer_modern(const Caller& caller, std::string_view responses,
                              std::string_view state) {
  static constexpr std::array<std::string_view, 1> kNames = {"q"};
  std::array<std::string_view, 1> given;
  if (state != kState) {
    return append_error(out_, caller.id, kInvalidParams, "that is not the state I gave");
  }
  if (!reader_.extract_fields(responses, kNames, given).has_value() || given[0].empty()) {
    return append_error(out_, caller.id, kInvalidParams, "the answer is missing");
  }
  append_text(out_, caller, "answered " + std::string(given[0]));
}

bool Questions::on_answer(const protocol::json::Envelope& answer) {
  const auto found = waiting_.find(answer.id);
  if (found == waiting_.end()) return false;
  const Waiting waiting = std::exchange(found->second, {});
  waiting_.erase(found);
  const bool is_result = answer.kind == MessageKind::kResult;
  append_text(out_, {waiting.id, waiting.revision},
              is_result ? "answered " + std::string(answer.result)
                        : "refused " + std::string(answer.error));
  return true;
}

}  // namespace mcpwire::demo
