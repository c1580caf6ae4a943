// SPDX-License-Identifier: MIT
//
// Every row of the table of misbehaving servers, with real processes.
#include "tests/daemon/stdio_behaviours.hpp"

#include "daemon/request.hpp"
#include "io/scope.hpp"
#include "io/stdio_transport.hpp"
#include "protocol/outcome.hpp"
#include "tests/io/strays_fixture.hpp"

#include <array>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

namespace mcpwire::io {
namespace {

using daemon::StdioBehaviour;
using protocol::Outcome;

/// For what is expected to time out. Everything else ends by itself; CTest ends a test that hangs.
constexpr std::uint64_t kShortNs = 150 * kNanosecondsPerMillisecond;
constexpr std::uint64_t kLongNs = 60 * kNanosecondsPerSecond;

std::string outcome_text(Outcome outcome) { return std::string(protocol::outcome_name(outcome)); }

/// The part of a message that the table names.
std::string reason_of(const std::string& message) {
  constexpr std::array<std::array<const char*, 2>, 8> kReasons = {{
      {R"(\((limits\.\w+)\))", "$1"},
      {R"(exited with code (\d+))", "exited $1"},
      {R"(killed by signal (\d+))", "killed $1"},
      {R"(closed its connection)", "closed"},
      {R"(refused initialize)", "refused"},
      {R"(answer cannot be read)", "unreadable"},
      {R"(in time)", "timeout"},
      {R"(deadline|timed out|took too long)", "timeout"},
  }};
  for (const auto& [pattern, text] : kReasons) {
    std::smatch match;
    if (std::regex_search(message, match, std::regex(pattern))) return match.format(text);
  }
  return message;
}

struct Conversation final : McpTransport::CloseObserver,
                            McpTransport::MessageObserver,
                            ProgressSink {
  explicit Conversation(EventLoop& loop) noexcept : acted(loop) {}
  void on_notification(std::string_view method, std::string_view) override {
    if (method == "notifications/acted") acted.resolve({});
  }
  void on_junk_line(std::string_view) override {}
  void on_transport_closed(const Error& why) override {
    closed = "ends: " + reason_of(why.message());
  }
  void on_progress(std::string_view) override {}
  OneShot<void> acted;
  std::string cell;
  std::string closed;
};

class StdioBehavioursTest : public StraysTest,
                            public ::testing::WithParamInterface<StdioBehaviour> {
 protected:
  static task<Result<void>> converse(StdioTransport* transport, Loop* loop, Conversation* talk,
                                     bool is_short, bool is_starting, bool waits_for_end,
                                     bool waits_for_deed) {
    CancelScope scope;
    const auto patience = is_short ? kShortNs : kLongNs;
    const auto start_patience = is_short && is_starting ? kShortNs : kLongNs;
    const Result<void> opened = co_await transport->open(scope, loop->now_ns() + start_patience);
    if (!opened.has_value()) {
      talk->cell = outcome_text(daemon::outcome_before_sending(opened.error())) + ", " +
                   reason_of(opened.error().message());
      co_return Result<void>{};
    }
    if (waits_for_end) co_return Result<void>{};
    if (waits_for_deed) static_cast<void>(co_await talk->acted.wait(scope));
    const RpcReply reply = co_await transport->request(
        "tools/call", R"({"name":"x","arguments":{}})",
        {.scope = &scope, .deadline_ns = loop->now_ns() + patience, .progress = talk});
    talk->cell = outcome_text(reply.outcome);
    const bool has_reason = reply.outcome != Outcome::kOk && reply.outcome != Outcome::kPeerError;
    if (has_reason) talk->cell += ", " + reason_of(reply.error.message());
    co_return Result<void>{};
  }
  static task<Result<void>> close(StdioTransport* transport) {
    co_await transport->close();
    co_return Result<void>{};
  }

  /// What the caller sees; afterwards nothing of the server is left.
  std::string run(const StdioBehaviour& behaviour, const char* phase, const std::string& expected) {
    const std::string marker = marker_of(std::string(behaviour.name) + "-" + phase);
    StdioTransportOptions options;
    options.server = {MCPWIRE_ADVERSARY,
                      {phase, behaviour.name, std::to_string(behaviour.number), marker},
                      {},
                      "/"};
    options.limits.line_bytes_max = daemon::kTestLineBytes;
    options.limits.junk_lines_max = daemon::kTestJunkLines;
    options.stop_times = {20 * kNanosecondsPerMillisecond, 20 * kNanosecondsPerMillisecond};
    RpcCodec codec;
    Conversation talk(*loop);
    StdioTransport transport(*loop, *spawner, codec, options);
    transport.observe_close(talk);
    transport.observe_messages(talk);
    Scope scope(*loop);
    const bool is_short = expected.ends_with("timeout");
    const bool waits_for_end = expected.starts_with("ends:");
    // Else the call might be there before the deed. What never ends does not tell.
    const bool waits_for_deed = std::string_view(phase) == "idle" && !is_short;
    scope.spawn(converse(&transport, loop.get(), &talk, is_short, std::string_view(phase) == "init",
                         waits_for_end, waits_for_deed));
    run_until([&] { return scope.running() == 0; });
    if (waits_for_end && talk.cell.empty()) {
      run_until([&] { return !talk.closed.empty(); });
      talk.cell = talk.closed;
    }
    Scope closing(*loop);
    closing.spawn(close(&transport));
    run_until([&] { return closing.running() == 0; });
    strays->end_all_blocking();
    EXPECT_EQ(processes_marked(marker), std::vector<pid_t>{}) << behaviour.name << ' ' << phase;
    return talk.cell;
  }
};

TEST_P(StdioBehavioursTest, IsMetAsTheTableSays) {
  const StdioBehaviour& behaviour = GetParam();
  static_cast<void>(run({"crlf", 0, "ok", "", ""}, "init", "ok"));
  loop->run_once(0);
  const std::size_t descriptors = open_descriptors();
  const std::array<std::array<const char*, 2>, 3> phases = {
      {{"init", behaviour.before_init}, {"idle", behaviour.idle}, {"call", behaviour.in_call}}};
  for (const auto& [phase, expected] : phases) {
    if (*expected != '\0') EXPECT_EQ(run(behaviour, phase, expected), expected) << phase;
  }
  while (open_descriptors() > descriptors) loop->run_once(kNanosecondsPerMillisecond);
}

INSTANTIATE_TEST_SUITE_P(Table, StdioBehavioursTest,
                         ::testing::ValuesIn(daemon::stdio_behaviours().begin(),
                                             daemon::stdio_behaviours().end()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(StdioBehavioursDocumentTest, ItsTableIsTheTests) {
  std::ostringstream document;
  document << std::ifstream(MCPWIRE_BEHAVIOURS_DOCUMENT).rdbuf();
  const std::string text = document.str();
  const auto shown = [](const char* cell) { return *cell == '\0' ? std::string("-") : cell; };
  std::size_t rows = 0;
  for (std::size_t at = text.find("\n| `"); at != std::string::npos;
       at = text.find("\n| `", at + 1)) {
    ++rows;
  }
  EXPECT_EQ(rows, daemon::stdio_behaviours().size());
  EXPECT_GE(rows, 40U);
  for (const StdioBehaviour& behaviour : daemon::stdio_behaviours()) {
    const std::size_t start = text.find("\n| `" + std::string(behaviour.name) + "` |");
    ASSERT_NE(start, std::string::npos) << behaviour.name << " is not in the document";
    const std::string row = text.substr(start + 1, text.find('\n', start + 1) - start - 1);
    const std::string cells = " | " + shown(behaviour.before_init) + " | " + shown(behaviour.idle) +
                              " | " + shown(behaviour.in_call) + " |";
    EXPECT_TRUE(row.ends_with(cells)) << row << "\nshould end with" << cells;
  }
}

}  // namespace
}  // namespace mcpwire::io
