// SPDX-License-Identifier: MIT
#include "daemon/server_questions.hpp"

#include "io/mcp/questions.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::daemon {

namespace json = protocol::json;

void ServerQuestions::ask(std::unique_ptr<io::ServerRequest> question) {
  const bool is_welcome =
      io::can_answer(reader_, abilities_, question->method(), question->params());
  if (!is_welcome || open_.size() >= kQuestionsMax) return question->refuse();
  open_.push_back({next_key_++, std::move(question), false});
  if (!tell(open_.back())) take(open_.back().key)->refuse();
}

/// False: the client will never hear of it.
bool ServerQuestions::tell(Open& open) {
  const Client::Told told =
      client_.tell(open.key, open.question->method(), open.question->params());
  open.is_told = told == Client::Told::kYes;
  return told != Client::Told::kNever;
}

void ServerQuestions::tell_waiting() {
  for (std::size_t index = 0; index < open_.size();) {
    if (open_[index].is_told || tell(open_[index])) {
      ++index;
    } else {
      take(open_[index].key)->refuse();
    }
  }
}

void ServerQuestions::answer(std::uint64_t key, protocol::ServerAnswerKind kind,
                             std::string_view result) {
  const std::unique_ptr<io::ServerRequest> question = take(key);
  if (question == nullptr) return;
  // Only what may pass on is read at all: it goes to the server as it is.
  const bool is_refused = kind == protocol::ServerAnswerKind::kRefused;
  const Result<json::ValueKind> read = reader_.validate(is_refused ? "null" : result);
  if (!read.has_value() || *read != json::ValueKind::kObject) return question->refuse();
  if (kind == protocol::ServerAnswerKind::kAnswered) return question->answer(result);
  question->answer_error(result);
}

std::unique_ptr<io::ServerRequest> ServerQuestions::take(std::uint64_t key) {
  const auto found = std::ranges::find(open_, key, &Open::key);
  if (found == open_.end()) return nullptr;
  std::unique_ptr<io::ServerRequest> question = std::move(found->question);
  open_.erase(found);
  return question;
}

}  // namespace mcpwire::daemon
