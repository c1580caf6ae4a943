// SPDX-License-Identifier: MIT
#include "tools/conformance_client/scenarios.hpp"

#include "protocol/base/system_clock.hpp"
#include "protocol/mcp/client_abilities.hpp"
#include "tools/conformance_client/answers.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::conformance {
namespace {

using client::ServerAnswer;
using client::ServerQuestion;
using protocol::mcp::ClientAbilities;

Failure unexpected(std::string what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kPeerError, std::move(what));
}

Result<void> call_each(Peer& peer, const std::vector<Tool>& tools) {
  for (const Tool& tool : tools) TRY(peer.call(tool.name, arguments_for(tool.input_schema)));
  return {};
}

Result<void> list_and_call_each(const Suite&, Peer& peer) {
  return call_each(peer, TRY(peer.list_tools()));
}

Result<void> list_only(const Suite&, Peer& peer) {
  TRY(peer.list_tools());
  return {};
}

Result<void> add_numbers(const Suite&, Peer& peer) {
  TRY(peer.list_tools());
  const Json result = TRY(peer.call("add_numbers", {{"a", 5}, {"b", 3}}));
  const std::string text = result.dump();
  if (text.find("is 8") == std::string::npos) return unexpected("a wrong sum: " + text);
  return {};
}

/// The server offers nothing, but answers every call: requests with and without abilities.
Result<void> list_and_call_anything(const Suite&, Peer& peer) {
  TRY(peer.list_tools());
  TRY(peer.call("anything", Json::object()));
  return {};
}

/// Both ways to the tools, the second with the abilities declared; every tool that either way
/// offers is called, so that one which must not be offered is noticed.
Result<void> list_both_ways(const Suite&, Peer& peer) {
  TRY(call_each(peer, TRY(peer.list_tools())));
  const Json listed = TRY(peer.request("tools/list", Json::object()));
  return call_each(peer, TRY(tools_of(listed.value("tools", Json()))));
}

Result<void> every_named_request(const Suite& suite, Peer& peer) {
  TRY(list_and_call_each(suite, peer));
  const Json resources = TRY(peer.request("resources/list", Json::object()));
  for (const Json& resource : resources.at("resources")) {
    TRY(peer.request("resources/read", {{"uri", resource.at("uri")}}));
  }
  const Json prompts = TRY(peer.request("prompts/list", Json::object()));
  for (const Json& prompt : prompts.at("prompts")) {
    TRY(peer.request("prompts/get", {{"name", prompt.at("name")}}));
  }
  return {};
}

Result<void> calls_of_context(const Suite& suite, Peer& peer) {
  TRY(peer.list_tools());
  const Json calls = suite.context.value("toolCalls", Json::array());
  if (calls.empty()) return unexpected("the context names no calls");
  for (const Json& call : calls) {
    TRY(peer.call(call.at("name").get<std::string>(), call.at("arguments")));
  }
  return {};
}

/// While a question of one call is open, another call is made; it has nothing to do with it.
Result<void> call_beside_a_question(Peer& peer, const std::string& asking,
                                    const std::string& beside) {
  std::optional<std::uint64_t> key;
  std::string params;
  client::Connection& connection = peer.connection();
  connection.on_server_request(ClientAbilities::all(),
                               [&](const ServerQuestion& question) -> std::optional<ServerAnswer> {
                                 key = question.key;
                                 params = question.params_json;
                                 return std::nullopt;
                               });
  const std::uint64_t call = TRY(peer.start_call(asking, Json::object()));
  std::optional<client::CallReply> reply;
  // Each turn of the loop is one wait for the question, which is no reply.
  while (!key && !reply && !connection.was_interrupted()) {
    reply = connection.wait(call, monotonic_now_ns() + 100 * kNanosecondsPerMillisecond);
  }
  if (!key) return unexpected(asking + " has asked nothing");
  TRY(peer.call(beside, Json::object()));
  connection.answer_server(call, *key, answer_to("elicitation/create", params));
  reply = connection.wait(call);
  if (!reply) return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
  TRY(Peer::result_of(*reply));
  return {};
}

void answer_all_questions(Peer& peer) {
  peer.connection().on_server_request(
      ClientAbilities::all(), [](const ServerQuestion& question) -> std::optional<ServerAnswer> {
        return answer_to(question.method, question.params_json);
      });
}

Result<void> rounds_with_state(const Suite&, Peer& peer) {
  TRY(peer.list_tools());
  TRY(call_beside_a_question(peer, "test_mrtr_echo_state", "test_mrtr_unrelated"));
  answer_all_questions(peer);
  TRY(peer.call("test_mrtr_no_state", Json::object()));
  TRY(peer.call("test_mrtr_no_result_type", Json::object()));
  return {};
}

Result<void> echo_schema(const Suite&, Peer& peer) {
  for (const Tool& tool : TRY(peer.list_tools())) {
    if (tool.name != "json_schema_2020_12_tool") continue;
    TRY(peer.call("json_schema_echo", {{"schema", tool.input_schema}}));
    return {};
  }
  return unexpected("no tool json_schema_2020_12_tool");
}

struct Rule {
  std::string_view scenario;
  Result<void> (*run)(const Suite&, Peer&);
};

constexpr Rule kRules[] = {
    {"initialize", list_only},
    {"tools_call", add_numbers},
    {"elicitation-sep1034-client-defaults", list_and_call_each},
    {"sse-retry", list_and_call_each},
    {"request-metadata", list_and_call_anything},
    {"sep-2322-client-request-state", rounds_with_state},
    {"http-standard-headers", every_named_request},
    {"http-custom-headers", calls_of_context},
    {"http-invalid-tool-headers", list_both_ways},
    {"json-schema-ref-no-deref", list_only},
    {"json-schema-2020-12-preservation", echo_schema},
};

}  // namespace

Result<void> run_scenario(const Suite& suite, Peer& peer) {
  answer_all_questions(peer);
  const auto* const rule = std::ranges::find(kRules, suite.scenario, &Rule::scenario);
  return (rule != std::end(kRules) ? rule->run : list_and_call_each)(suite, peer);
}

}  // namespace mcpwire::conformance
