// SPDX-License-Identifier: MIT
#include "io/mcp/input_round.hpp"

#include "io/one_shot.hpp"
#include "io/sleep.hpp"
#include "protocol/base/check.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/json/writer.hpp"
#include "protocol/mcp/method.hpp"
#include "protocol/mcp/refusal.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

namespace mcpwire::io {
namespace {

namespace json = protocol::json;

/// What the questions and the one who waits for them share: either may go first.
struct Round {
  std::vector<std::string> keys;      ///< Raw tokens.
  std::vector<std::string> results;   ///< Raw objects.
  std::size_t open = 0;               ///< Questions without an answer.
  std::string refused;                ///< The method of one that cannot be answered by a result.
  OneShot<void>* answered = nullptr;  ///< Null once nobody waits.

  void settle(std::size_t index, std::string result) {
    results[index] = std::move(result);
    if (--open == 0 && answered != nullptr) answered->resolve({});
  }
};

class Question final : public ServerRequest {
 public:
  Question(std::shared_ptr<Round> round, std::size_t index, std::string method,
           std::string_view params)
      : round_(std::move(round)), index_(index), method_(std::move(method)), params_(params) {}
  ~Question() override { refuse(); }

  std::string_view method() const noexcept override { return method_; }
  std::string_view params() const noexcept override { return params_; }
  void answer(std::string_view result_json) override {
    if (round_ == nullptr) return;
    std::exchange(round_, nullptr)->settle(index_, std::string(result_json));
  }
  /// A round has no place for errors.
  void answer_error(std::string_view) override { refuse(); }
  void refuse() override {
    if (round_ == nullptr) return;
    const std::string_view result = protocol::mcp::refusal_of(method_).result_json;
    if (result.empty()) round_->refused = method_;
    answer(result);
  }

 private:
  std::shared_ptr<Round> round_;  ///< Null once it is settled.
  std::size_t index_;
  std::string method_;
  std::string params_;
};

Failure violation(std::string text) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::move(text));
}

std::string build_responses(const Round& round) {
  std::string text = "{";
  for (std::size_t index = 0; index < round.keys.size(); ++index) {
    if (index != 0) text += ',';
    text.append(round.keys[index]).append(":").append(round.results[index]);
  }
  return text + "}";
}

}  // namespace

Result<std::vector<InputQuestion>> read_questions(json::ValueReader& reader,
                                                  std::string_view input_requests) {
  static constexpr std::array<std::string_view, 2> kNames = {"method", "params"};
  const std::vector<json::Member> members = TRY(reader.members(input_requests));
  if (members.size() > kInputQuestionsMax) return violation("the server asks too much at once");
  std::vector<InputQuestion> questions;
  for (const json::Member& member : members) {
    if (std::ranges::find(questions, member.key, &InputQuestion::key) != questions.end()) {
      return violation("the server asks two things under one key");
    }
    std::array<std::string_view, 2> values;
    TRY(reader.extract_fields(member.value, kNames, values));
    std::string method = TRY(json::decode_string(values[0]));
    const protocol::mcp::MethodFacts* const facts = protocol::mcp::find_method(method);
    if (facts == nullptr || !facts->is_input) {
      return violation("the server asks for '" + method + "' where only input may be asked for");
    }
    questions.push_back({member.key, std::move(method), values[1]});
  }
  return questions;
}

task<Result<std::string>> ask_caller(EventLoop& loop, std::vector<InputQuestion> questions,
                                     RequestOptions options) {
  if (options.scope->is_cancelled()) co_return fail(error_of(options.scope->cause()));
  const auto round = std::make_shared<Round>();
  round->open = questions.size();
  round->results.resize(questions.size());
  for (const InputQuestion& question : questions) round->keys.emplace_back(question.key);
  CancelScope patience(*options.scope);
  DeadlineTimer deadline(loop, patience);
  if (options.deadline_ns != kNever) deadline.set(options.deadline_ns);
  OneShot<void> answered(loop);
  for (std::size_t index = 0; index < questions.size(); ++index) {
    auto question = std::make_unique<Question>(round, index, std::move(questions[index].method),
                                               questions[index].params);
    // Without a sink it is refused as it goes.
    if (options.server_requests != nullptr) {
      options.server_requests->on_server_request(std::move(question));
    }
  }
  if (round->open > 0) {
    round->answered = &answered;
    const Result<void> waited = co_await answered.wait(patience);
    round->answered = nullptr;
    if (!waited.has_value()) co_return fail(waited.error());
  }
  if (!round->refused.empty()) {
    co_return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller,
                   "the server asked for '" + round->refused + "', which was refused");
  }
  co_return build_responses(*round);
}

}  // namespace mcpwire::io
