// SPDX-License-Identifier: MIT
#include "io/mcp/exchange.hpp"

#include "io/mcp/ended_reply.hpp"
#include "io/mcp/input_round.hpp"
#include "io/mcp/splice.hpp"
#include "io/mcp/task_driver.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/revision.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace mcpwire::io {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;
using protocol::Outcome;

/// What an `input_required` result asks for; raw, each may be empty.
struct Interim {
  std::string_view questions;
  std::string_view state;
};

Result<Interim> read_interim(json::ValueReader& reader, std::string_view result) {
  static constexpr std::array<std::string_view, 2> kNames = {"inputRequests", "requestState"};
  std::array<std::string_view, 2> values;
  TRY(reader.extract_fields(result, kNames, values));
  if (values[0].empty() && values[1].empty()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("the server asked for input without saying for which"));
  }
  return Interim{values[0], values[1]};
}

/// The caller's own answer to an earlier result: the rounds are his.
bool answers_himself(json::ValueReader& reader, std::string_view params) {
  static constexpr std::array<std::string_view, 2> kNames = {"inputResponses", "requestState"};
  std::array<std::string_view, 2> values;
  if (params.empty() || !reader.extract_fields(params, kNames, values).has_value()) return false;
  return !values[0].empty() || !values[1].empty();
}

bool holds_task(json::ValueReader& reader, std::string_view result) {
  static constexpr std::array<std::string_view, 1> kNames = {"task"};
  std::array<std::string_view, 1> task;
  return reader.extract_fields(result, kNames, task).has_value() && task[0].starts_with('{');
}

std::string next_params(std::string_view params, std::string_view responses,
                        std::string_view state) {
  std::string next(params);
  if (!state.empty()) next = with_member(next, "requestState", state);
  if (!responses.empty()) next = with_member(next, "inputResponses", responses);
  return next;
}

/// What a later request of the same exchange ended with, as what became of the whole.
RpcReply of_whole(RpcReply reply) {
  reply.may_have_been_sent = true;
  const bool claims_not_sent =
      reply.outcome == Outcome::kNotSent || reply.outcome == Outcome::kRejected;
  if (claims_not_sent) reply.outcome = Outcome::kUnknown;
  return reply;
}

/// What follows an interim result: the next round's params, or the end of the whole.
struct AfterInterim {
  std::string params;
  std::optional<RpcReply> end = {};
};

AfterInterim ends(RpcReply reply) { return {{}, std::move(reply)}; }

// The loop outlives the exchange; params are the caller's until the end.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<AfterInterim> after_interim(EventLoop& loop,
                                 std::string_view params,  // outlives: as the header says
                                 RpcReply reply, int round, RequestOptions options) {
  json::ValueReader reader;
  if (round == 0 && answers_himself(reader, params)) co_return ends(std::move(reply));
  if (round == kInputRoundsMax) {
    co_return ends(broken_reply("the server asked for input in more than " +
                                std::to_string(kInputRoundsMax) + " rounds"));
  }
  const Result<Interim> interim = read_interim(reader, reply.body);
  if (!interim.has_value()) co_return ends(broken_reply(interim.error().message()));
  std::string responses;
  if (!interim->questions.empty()) {
    Result<std::vector<InputQuestion>> questions = read_questions(reader, interim->questions);
    if (!questions.has_value()) co_return ends(broken_reply(questions.error().message()));
    Result<std::string> answers = co_await ask_caller(loop, *std::move(questions), options);
    if (!answers.has_value()) co_return ends(given_up_reply(answers.error()));
    responses = *std::move(answers);
  }
  co_return AfterInterim{next_params(params, responses, interim->state)};
}

bool is_whole(const RpcReply& reply) {
  return reply.outcome != Outcome::kOk || reply.result_type == ResultType::kComplete;
}

/// Views of what the caller keeps until the end.
struct Asked {
  std::string_view method;
  std::string_view params;
};

/// From the first interim result to the end. Never inline: the compiler would put this frame into
/// the one of every exchange, which then is too large for its free lists.
// Loop and transport outlive the exchange; method and params are the caller's until the end.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
[[gnu::noinline]] task<RpcReply> later_rounds(EventLoop& loop, McpTransport& transport, Asked asked,
                                              RpcReply reply, RequestOptions options) {
  std::string next;
  for (int round = 0; !is_whole(reply); ++round) {
    if (reply.result_type == ResultType::kTask) {
      co_return of_whole(co_await drive_task(loop, transport, std::move(reply.body), options));
    }
    AfterInterim after =
        co_await after_interim(loop, asked.params, std::move(reply), round, options);
    if (after.end.has_value()) co_return *std::move(after.end);
    next = std::move(after.params);
    reply = of_whole(co_await transport.request(asked.method, next, options));
  }
  co_return std::move(reply);
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<RpcReply> exchange_modern(EventLoop& loop, McpTransport& transport,
                               std::string_view method,  // outlives: as the header says
                               std::string_view params,  // outlives: as the header says
                               RequestOptions options) {
  RpcReply reply = co_await transport.request(method, params, options);
  if (is_whole(reply)) co_return std::move(reply);
  co_return co_await later_rounds(loop, transport, {method, params}, std::move(reply), options);
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<RpcReply> exchange_core_task(EventLoop& loop, McpTransport& transport,
                                  std::string_view method,  // outlives: as the header says
                                  std::string_view params,  // outlives: as the header says
                                  RequestOptions options) {
  RpcReply reply = co_await transport.request(method, params, options);
  if (reply.outcome != Outcome::kOk) co_return std::move(reply);
  json::ValueReader reader;
  if (!holds_task(reader, reply.body)) co_return std::move(reply);
  co_return of_whole(co_await drive_core_task(loop, transport, std::move(reply.body), options));
}

}  // namespace

task<RpcReply> exchange(EventLoop& loop, McpTransport& transport,
                        std::string_view method,  // outlives: as the header says
                        std::string_view params,  // outlives: as the header says
                        RequestOptions options) {
  const mcp::RevisionFacts& facts = mcp::facts_of(transport.server_info().revision);
  if (facts.has_result_type) {
    return exchange_modern(loop, transport, method, params, std::move(options));
  }
  // A name that occurs elsewhere only costs a look at the result.
  if (facts.has_core_tasks && params.find("\"task\"") != params.npos) {
    return exchange_core_task(loop, transport, method, params, std::move(options));
  }
  return transport.request(method, params, std::move(options));
}

}  // namespace mcpwire::io
