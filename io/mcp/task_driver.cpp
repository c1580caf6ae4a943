// SPDX-License-Identifier: MIT
#include "io/mcp/task_driver.hpp"

#include "io/mcp/ended_reply.hpp"
#include "io/mcp/exchange.hpp"
#include "io/mcp/input_round.hpp"
#include "io/mcp/splice.hpp"
#include "io/one_shot.hpp"
#include "io/sleep.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/json/value.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

namespace mcpwire::io {
namespace {

namespace json = protocol::json;
using protocol::Outcome;

/// What we read of a task; both kinds spell these alike but for the interval.
struct TaskState {
  std::string_view id;  ///< Raw; meant where the task is announced only.
  std::string status;
  std::uint64_t poll_ns = kTaskPollNs;
  std::string_view questions, result, error;  ///< Raw; of the modern kind.

  bool is_terminal() const {
    return status == "completed" || status == "failed" || status == "cancelled";
  }
};

std::uint64_t poll_interval(std::string_view token) {
  const Result<std::int64_t> ms = json::read_int64(token);
  if (token.empty() || !ms.has_value() || *ms < 0) return kTaskPollNs;
  constexpr std::int64_t kMsMax = kTaskPollMaxNs / kNanosecondsPerMillisecond;
  const auto wished = static_cast<std::uint64_t>(std::min(*ms, kMsMax));
  return std::max(wished * kNanosecondsPerMillisecond, kTaskPollMinNs);
}

Result<TaskState> read_task(json::ValueReader& reader, std::string_view object) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "taskId", "status", "pollIntervalMs", "pollInterval", "inputRequests", "result", "error"};
  std::array<std::string_view, kNames.size()> values;
  TRY(reader.extract_fields(object, kNames, values));
  TaskState state;
  state.id = values[0];
  state.status = TRY(json::decode_string(values[1]));
  state.poll_ns = poll_interval(values[2].empty() ? values[3] : values[2]);
  state.questions = values[4];
  state.result = values[5];
  state.error = values[6];
  return state;
}

/// {"taskId":...}, for all later requests: the token goes back as it came. Empty: there is none.
std::string id_params(const Result<TaskState>& announced) {
  if (!announced.has_value() || !json::decode_string(announced->id).has_value()) return {};
  return with_member({}, "taskId", announced->id);
}

/// The object inside CreateTaskResult of the core, or nothing.
std::string_view inner_task(json::ValueReader& reader, std::string_view created) {
  static constexpr std::array<std::string_view, 1> kNames = {"task"};
  std::array<std::string_view, 1> values;
  if (!reader.extract_fields(created, kNames, values).has_value()) return {};
  return values[0];
}

/// What both kinds do: ask how the task is, wait, and give it up at the server.
class TaskDriver final : private TaskNews::Watcher {
 public:
  TaskDriver(EventLoop& loop, McpTransport& transport, RequestOptions options)
      : Watcher(transport), loop_(loop), transport_(transport), options_(std::move(options)) {
    // These belong to the original request alone.
    options_.observer = nullptr;
    options_.progress = nullptr;
    if (options_.task_news != nullptr) options_.task_news->watch(*this);
  }

  /// The task that all is about, and how it stands as far as we know.
  void note(const Result<TaskState>& state) {
    if (!state.has_value()) return;
    status_ = state->status;
    const Result<std::string> id = json::decode_string(state->id);
    if (id_.empty() && id.has_value()) id_ = *id;
  }

  // `params` lives in the frames that await these.
  task<RpcReply> ask(const char* method, const std::string& params) {  // outlives: awaited at once
    co_return co_await transport_.request(method, params, options_);
  }

  /// Until the task is to be asked again: after so long, or when the server tells that it stands
  /// differently; then after the shortest interval at least, however often that happens.
  task<Result<void>> pause(std::uint64_t ns) {
    const std::uint64_t began_ns = loop_.now_ns();
    const std::uint64_t wanted_ns = began_ns + ns;
    const std::uint64_t soonest_ns = std::min(began_ns + kTaskPollMinNs, wanted_ns);
    Result<void> waited = co_await sleep_to(soonest_ns, EndedBy::kTime);
    if (waited.has_value() && !has_news_) waited = co_await sleep_to(wanted_ns, EndedBy::kNews);
    has_news_ = false;
    co_return waited;
  }

  /// Tells the server that nobody wants the task any more; its answer changes nothing.
  task<void> cancel(const std::string& params) {  // outlives: awaited at once
    CancelScope own;
    RequestOptions options = options_;
    options.scope = &own;
    options.deadline_ns = loop_.now_ns() + kTaskCancelNs;
    options.inactivity_ns = kNever;
    options.server_requests = nullptr;
    static_cast<void>(co_await transport_.request("tasks/cancel", params, options));
  }

  /// True if a later request failed because its caller or its time was over, not at the server.
  static bool is_given_up(const RpcReply& reply) {
    return reply.outcome == Outcome::kCancelled || reply.error.code == ErrorCode::kDeadlineExceeded;
  }

  EventLoop& loop() { return loop_; }
  const RequestOptions& options() const { return options_; }

 private:
  enum class EndedBy : std::uint8_t { kTime, kNews };
  /// Fails when the caller gives up or the deadline passes first.
  task<Result<void>> sleep_to(std::uint64_t wanted_ns, EndedBy ended_by) {
    CancelScope patience(*options_.scope);
    DeadlineTimer timer(loop_, patience);
    timer.set(std::min(wanted_ns, options_.deadline_ns));
    OneShot<void> news(loop_);
    if (ended_by == EndedBy::kNews) sleep_ = &news;
    const Result<void> waited = co_await news.wait(patience);
    sleep_ = nullptr;
    if (waited.has_value()) co_return Result<void>{};
    if (options_.scope->is_cancelled()) co_return fail(waited.error());
    if (wanted_ns < options_.deadline_ns) co_return Result<void>{};
    co_return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded);
  }

  void on_task_news(std::string_view task) override {
    static constexpr std::array<std::string_view, 2> kNames = {"taskId", "status"};
    std::array<std::string_view, 2> values;
    if (!reader_.extract_fields(task, kNames, values).has_value()) return;
    const Result<std::string> id = json::decode_string(values[0]);
    if (!id.has_value() || *id != id_) return;
    const Result<std::string> status = json::decode_string(values[1]);
    if (status.has_value() && *status == status_) return;
    has_news_ = true;
    if (sleep_ != nullptr) sleep_->resolve({});
  }

  EventLoop& loop_;
  McpTransport& transport_;
  RequestOptions options_;
  json::ValueReader reader_;
  std::string id_;
  std::string status_;
  OneShot<void>* sleep_ = nullptr;  ///< That news may end.
  bool has_news_ = false;
};

/// The end of a modern task, as its request's reply.
RpcReply end_of(const TaskState& state) {
  if (state.status == "completed" && !state.result.empty()) {
    return {Outcome::kOk, std::string(state.result), {}, true};
  }
  if (state.status == "failed" && !state.error.empty()) {
    return {Outcome::kPeerError, std::string(state.error), {}, true};
  }
  if (state.status == "cancelled") {
    return {Outcome::kCancelled,
            {},
            Error::with_detail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller,
                               "the task was cancelled at the server"),
            true};
  }
  return broken_reply("the server's task ended without what it ended with");
}

/// Hands on what has not been asked yet and brings the answers to the server.
// The driver lives in the awaiting frame, and so does what is asked already.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<RpcReply> update_task(TaskDriver& driver, json::ValueReader& reader,
                           std::set<std::string>& asked,
                           const std::string& id,     // outlives: awaited
                           const TaskState& state) {  // outlives: awaited at once
  Result<std::vector<InputQuestion>> questions = read_questions(reader, state.questions);
  if (!questions.has_value()) co_return broken_reply(questions.error().message());
  std::erase_if(*questions,
                [&](const InputQuestion& question) { return !asked.emplace(question.key).second; });
  if (questions->empty()) co_return RpcReply{Outcome::kOk, {}, {}, true};
  const Result<std::string> answers =
      co_await ask_caller(driver.loop(), *std::move(questions), driver.options());
  if (!answers.has_value()) co_return given_up_reply(answers.error());
  const std::string params = with_member(id, "inputResponses", *answers);
  co_return co_await driver.ask("tasks/update", params);
}

}  // namespace

// Loop and transport outlive the task, as the header says.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<RpcReply> drive_task(EventLoop& loop, McpTransport& transport, RpcBody created,
                          RequestOptions options) {
  TaskDriver driver(loop, transport, std::move(options));
  json::ValueReader reader;
  RpcBody body = std::move(created);
  const std::string id = id_params(read_task(reader, body));
  std::set<std::string> asked;
  for (;;) {
    const Result<TaskState> state = read_task(reader, body);
    driver.note(state);
    if (id.empty() || !state.has_value())
      co_return broken_reply("the server's task cannot be read");
    if (state->is_terminal()) co_return end_of(*state);
    RpcReply updated{Outcome::kOk, {}, {}, true};
    if (state->status == "input_required" && !state->questions.empty()) {
      updated = co_await update_task(driver, reader, asked, id, *state);
    }
    Result<void> waited;
    if (updated.outcome == Outcome::kOk) waited = co_await driver.pause(state->poll_ns);
    RpcReply got = std::move(updated);
    if (waited.has_value() && got.outcome == Outcome::kOk) {
      got = co_await driver.ask("tasks/get", id);
    }
    if (!waited.has_value() || TaskDriver::is_given_up(got)) {
      co_await driver.cancel(id);
      co_return waited.has_value() ? std::move(got) : given_up_reply(waited.error());
    }
    if (got.outcome != Outcome::kOk) co_return std::move(got);
    body = std::move(got.body);
  }
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<RpcReply> drive_core_task(EventLoop& loop, McpTransport& transport, RpcBody created,
                               RequestOptions options) {
  TaskDriver driver(loop, transport, std::move(options));
  json::ValueReader reader;
  Result<TaskState> state = read_task(reader, inner_task(reader, created));
  driver.note(state);
  const std::string params = id_params(state);
  if (params.empty()) co_return broken_reply("the server's task cannot be read");
  while (!state->is_terminal() && state->status != "input_required") {
    const Result<void> waited = co_await driver.pause(state->poll_ns);
    RpcReply got;
    if (waited.has_value()) got = co_await driver.ask("tasks/get", params);
    if (!waited.has_value() || TaskDriver::is_given_up(got)) {
      co_await driver.cancel(params);
      co_return waited.has_value() ? std::move(got) : given_up_reply(waited.error());
    }
    if (got.outcome != Outcome::kOk) co_return std::move(got);
    state = read_task(reader, got.body);
    if (!state.has_value()) co_return broken_reply("the server's task cannot be read");
    driver.note(state);
  }
  RpcReply result = co_await driver.ask("tasks/result", params);
  if (TaskDriver::is_given_up(result)) co_await driver.cancel(params);
  co_return std::move(result);
}

}  // namespace mcpwire::io
