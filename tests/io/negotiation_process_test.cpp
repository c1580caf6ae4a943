// SPDX-License-Identifier: MIT
//
// The outcomes of a probe with real processes: shell scripts that do to `server/discover` what
// servers of different SDKs do. That nothing is left of a process that was given up is part of it.
#include "io/scope.hpp"
#include "io/stdio_transport.hpp"
#include "protocol/base/system_clock.hpp"
#include "tests/io/process_fixture.hpp"
#include "tests/support/fake_era_verdicts.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <optional>

namespace mcpwire::io {
namespace {

using protocol::Outcome;
using protocol::mcp::Era;
using protocol::mcp::Revision;

/// $PROBE is what it does when it is probed; $id is the id of the request. $STARTS counts starts.
constexpr const char* kServer = R"(
  echo start >> "$STARTS"
  answer() { printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$1"; }
  while read -r line; do
    id=${line#*\"id\":}; id=${id%%,*}
    case $line in
      *'"method":"server/discover"'*) eval "$PROBE" ;;
      *'"method":"initialize"'*) eval "$INITIALIZE" ;;
      *'"method":"tools/list"'*) answer '"result":{"tools":[],"resultType":"complete"}' ;;
    esac
  done
)";
constexpr const char* kInitialize =
    R"(answer '"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"sh","version":"1"}}')";
constexpr const char* kDiscover =
    R"(answer '"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"public"}')";

struct Server {
  const char* name;
  std::string probe;
  std::string initialize = kInitialize;
  std::optional<Revision> revision;  ///< Nothing: the open fails.
  int starts = 1;
};

class NegotiationProcessTest : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    std::string folder = testing::TempDir() + "mcpwire-era-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override {
    ProcessTest::TearDown();
    std::filesystem::remove_all(folder_);
  }

  StdioTransportOptions options(const Server& server) const {
    StdioTransportOptions options;
    options.server = {"/bin/sh",
                      {"-c", kServer, marker_},
                      {"PATH=/usr/bin:/bin", "STARTS=" + starts_file(), "PROBE=" + server.probe,
                       "INITIALIZE=" + server.initialize},
                      "/"};
    // Short: servers that are silent on purpose are waited for. Others answer at once or, on a
    // machine that is that slow, are begun in a second process.
    options.negotiation.probe_timeout_ns =
        server.starts > 1 ? 300 * kNanosecondsPerMillisecond : kNanosecondsPerSecond * 30;
    return options;
  }
  std::string starts_file() const { return folder_ + "/starts"; }
  int starts() const {
    const std::string text = read_file(starts_file());
    return static_cast<int>(std::ranges::count(text, '\n'));
  }

  static task<Result<void>> converse(StdioTransport* transport, std::optional<Result<void>>* opened,
                                     RpcReply* reply) {
    CancelScope scope;
    *opened = co_await transport->open(scope, monotonic_now_ns() + 60 * kNanosecondsPerSecond);
    if ((*opened)->has_value()) {
      *reply = co_await transport->request("tools/list", {}, {.scope = &scope});
    }
    co_await transport->close();
    co_return Result<void>{};
  }

  std::string folder_;
  std::string marker_ = marker_of("era");
};

class EraServerTest : public NegotiationProcessTest, public testing::WithParamInterface<Server> {};

TEST_P(EraServerTest, IsBegunInTheEraThatItSpeaks) {
  const Server& server = GetParam();
  RpcCodec codec;
  test_support::FakeEraVerdicts verdicts;
  StdioTransportOptions all = options(server);
  all.negotiation.verdicts = &verdicts;
  all.negotiation.identity = "it";
  StdioTransport transport(*loop, *spawner, codec, all);
  std::optional<Result<void>> opened;
  RpcReply reply;
  Scope scope(*loop);
  scope.spawn(converse(&transport, &opened, &reply));
  run_until([&] { return scope.running() == 0; });

  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(starts(), server.starts);
  if (server.revision.has_value()) {
    ASSERT_TRUE(opened->has_value()) << opened->error().message();
    EXPECT_EQ(transport.server_info().revision, *server.revision);
    EXPECT_EQ(reply.outcome, Outcome::kOk);
    const std::optional<EraVerdict> verdict = verdicts.find("it");
    // Where the machine is so slow that the second process is as slow as the first, silence has
    // proved nothing.
    EXPECT_TRUE(verdict.has_value() || server.starts > 1);
    if (verdict.has_value()) {
      EXPECT_EQ(verdict->era, protocol::mcp::facts_of(*server.revision).era);
    }
  } else {
    EXPECT_FALSE(opened->has_value());
    EXPECT_FALSE(verdicts.find("it").has_value());
  }
  wait_until_none_is_left(marker_);
}

// --- A server that starts slowly -------------------------------------------------------------

// As one does that is downloaded first: the wrapper has the pipe and reads nothing from it.
TEST_F(NegotiationProcessTest, AServerThatHasYetToReadIsWaitedForInItsFirstProcess) {
  const std::string gate = folder_ + "/gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const Server server{"slow", R"(answer '"error":{"code":-32601,"message":"no"}')"};
  StdioTransportOptions all = options(server);
  all.server.arguments[1] = ": < " + gate + "\n" + kServer;
  all.negotiation.probe_timeout_ns = 20 * kNanosecondsPerMillisecond;
  RpcCodec codec;
  StdioTransport transport(*loop, *spawner, codec, all);
  std::optional<Result<void>> opened;
  RpcReply reply;
  Scope scope(*loop);
  scope.spawn(converse(&transport, &opened, &reply));
  const std::uint64_t until_ns = monotonic_now_ns() + 10 * all.negotiation.probe_timeout_ns;
  while (monotonic_now_ns() < until_ns) loop->run_once(until_ns - monotonic_now_ns());
  EXPECT_FALSE(opened.has_value());
  // Opens as soon as the server does.
  UniqueFd open_gate(::open(gate.c_str(), O_WRONLY | O_CLOEXEC));
  open_gate.reset();
  run_until([&] { return scope.running() == 0; });
  ASSERT_TRUE(opened.has_value());
  ASSERT_TRUE(opened->has_value()) << opened->error().message();
  EXPECT_EQ(reply.outcome, Outcome::kOk);
  EXPECT_EQ(starts(), 1);
  wait_until_none_is_left(marker_);
}

// --- A server that speaks all of them --------------------------------------------------------

class DemoServerTest : public NegotiationProcessTest,
                       public testing::WithParamInterface<Revision> {};

TEST_P(DemoServerTest, IsSpokenToInThePinnedRevision) {
  RpcCodec codec;
  StdioTransportOptions all;
  all.server = {MCPWIRE_DEMO_SERVER, {}, {}, "/"};
  all.negotiation.pinned_revision = GetParam();
  StdioTransport transport(*loop, *spawner, codec, all);
  std::optional<Result<void>> opened;
  RpcReply reply;
  Scope scope(*loop);
  scope.spawn(converse(&transport, &opened, &reply));
  run_until([&] { return scope.running() == 0; });
  ASSERT_TRUE(opened.has_value() && opened->has_value());
  EXPECT_EQ(transport.server_info().revision, GetParam());
  EXPECT_EQ(transport.server_info().name, "mcpwire-demo-server");
  EXPECT_EQ(reply.outcome, Outcome::kOk);
  EXPECT_EQ(reply.result_type, ResultType::kComplete);
}
INSTANTIATE_TEST_SUITE_P(All, DemoServerTest, testing::ValuesIn(protocol::mcp::kRevisions),
                         [](const auto& info) {
                           std::string name(protocol::mcp::facts_of(info.param).name);
                           std::ranges::replace(name, '-', '_');
                           return "R" + name;
                         });

// --- Servers that take the probe in one way each ---------------------------------------------

constexpr auto kOld = Revision::k2025_06_18;

INSTANTIATE_TEST_SUITE_P(
    All, EraServerTest,
    testing::Values(
        Server{"Modern", kDiscover, "exit 1", Revision::k2026_07_28, 1},
        Server{"DualEra", kDiscover, kInitialize, Revision::k2026_07_28, 1},
        Server{"MethodNotFound", R"(answer '"error":{"code":-32601,"message":"Method not found"}')",
               kInitialize, kOld, 1},
        Server{"InvalidParams", R"(answer '"error":{"code":-32602,"message":"x"}')", kInitialize,
               kOld, 1},
        Server{"NotInitialized", R"(answer '"error":{"code":-32000,"message":"not initialized"}')",
               kInitialize, kOld, 1},
        Server{"HeaderMismatch", R"(answer '"error":{"code":-32020,"message":"x"}')", kInitialize,
               kOld, 1},
        Server{"GarbageAndAnError",
               R"(echo 'unknown command'; echo '{{{'; answer '"error":{"code":1,"message":"x"}')",
               kInitialize, kOld, 1},
        Server{"UnreadableResult", R"(answer '"result":"what?"')", kInitialize, kOld, 1},
        // As Rust's rmcp before version 3.
        Server{"ExitsOnTheProbe", "echo 'expected initialize' >&2; exit 1", kInitialize, kOld, 2},
        Server{"DiesOnTheProbe", "kill -9 $$", kInitialize, kOld, 2},
        Server{"ClosesItsOutput", "exec >&-", kInitialize, kOld, 2},
        Server{"IsSilent", ":", kInitialize, kOld, 2},
        Server{"GarbageOnly", "echo 'unknown command'", kInitialize, kOld, 2},
        Server{"HangsDeafWithAGrandchild",
               R"(trap '' TERM; sh -c 'trap "" TERM; while :; do sleep 1000; done' "$0" & wait)",
               kInitialize, kOld, 2},
        Server{"HalfALineAndSilence", R"(printf '{"jsonrpc":"2.0","id":')", kInitialize, kOld, 2},
        Server{"ExitsWhateverIsSaid", "exit 1", "exit 2", std::nullopt, 2},
        Server{"AnswersAndExits", R"(answer '"error":{"code":-32601,"message":"x"}'; exit 1)",
               kInitialize, kOld, 2},
        Server{
            "RefusesInitializeAfterAProbe",
            R"(INITIALIZE="answer '\"error\":{\"code\":-32000,\"message\":\"x\"}'"; eval "$INITIALIZE")",
            kInitialize, kOld, 2},
        Server{"RefusesBoth", R"(answer '"error":{"code":-32601,"message":"x"}')",
               R"(answer '"error":{"code":-32601,"message":"x"}')", std::nullopt, 2}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace mcpwire::io
