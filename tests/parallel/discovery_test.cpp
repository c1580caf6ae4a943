// SPDX-License-Identifier: MIT
#include "parallel/discovery.hpp"

#include "pool/connection_pool.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/pool/fake_transport_factory.hpp"
#include "tests/support/fake_event_loop.hpp"
#include "tests/support/fake_mcp_transport.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::parallel {
namespace {

using test_support::BackgroundTask;
using test_support::FakeEventLoop;
using test_support::FakeMcpTransport;

constexpr std::uint64_t kSecond = kNanosecondsPerSecond;

/// A client that talks to its servers itself, without a pool and without a daemon.
class DirectClient {
 public:
  explicit DirectClient(EventLoop& loop) noexcept : loop_(loop) {}

  FakeMcpTransport& add(const std::string& name) {
    auto& transport = transports_[name];
    transport = std::make_unique<FakeMcpTransport>(loop_);
    return *transport;
  }

  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<std::string>> operator()(std::string server, io::CancelScope& scope) const {
    const auto found = transports_.find(server);
    if (found == transports_.end()) {
      co_return fail(ErrorKind::kNotFound, ErrorCode::kUnknownServer);
    }
    FakeMcpTransport& transport = *found->second;
    const Result<void> opened = co_await transport.open(scope, kNever);
    if (!opened.has_value()) co_return fail(opened.error());
    io::RpcReply reply = co_await transport.request("tools/list", {}, {&scope});
    co_await transport.close();
    if (reply.outcome == protocol::Outcome::kOk) co_return std::move(reply.body);
    co_return fail(std::move(reply.error));
  }

 private:
  EventLoop& loop_;
  std::map<std::string, std::unique_ptr<FakeMcpTransport>> transports_;
};

FakeMcpTransport::Handler always(std::string tools) {
  return [tools = std::move(tools)](std::string_view, std::string_view) {
    return io::RpcReply{protocol::Outcome::kOk, tools, {}, true};
  };
}

class ListToolsParallelTest : public testing::Test {
 protected:
  BackgroundTask<ToolListing> start(std::vector<std::string> names) {
    return BackgroundTask<ToolListing>(
        loop, list_tools_parallel(scope, std::move(names), client, executor));
  }

  FakeEventLoop loop;
  io::CancelScope scope;
  DirectClient client{loop};
  ParallelExecutor executor{loop, 2};
};

TEST_F(ListToolsParallelTest, TheServersThatAnswerStandInTheOrderAskedFor) {
  client.add("a").handler = always("[1]");
  client.add("b").handler = always("[2]");
  client.add("c").handler = always("[3]");
  BackgroundTask<ToolListing> listing = start({"c", "a", "b"});
  loop.run_until_idle();
  ASSERT_TRUE(listing.has_ended());
  const std::vector<ServerTools>& all = listing.value().successes;
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].server + all[0].tools_json, "c[3]");
  EXPECT_EQ(all[1].server + all[1].tools_json, "a[1]");
  EXPECT_EQ(all[2].server + all[2].tools_json, "b[2]");
  EXPECT_TRUE(listing.value().failures.empty());
}

TEST_F(ListToolsParallelTest, ABrokenServerIsReportedAndHidesNoOther) {
  client.add("good").handler = always("[1]");
  client.add("bad").set_open_result(
      fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed, "no such program"));
  client.add("fine").handler = always("[2]");
  BackgroundTask<ToolListing> listing = start({"good", "bad", "missing", "fine"});
  loop.run_until_idle();
  ASSERT_TRUE(listing.has_ended());
  ASSERT_EQ(listing.value().successes.size(), 2U);
  EXPECT_EQ(listing.value().successes[1].server, "fine");
  ASSERT_EQ(listing.value().failures.size(), 2U);
  EXPECT_EQ(listing.value().failures[0].server, "bad");
  EXPECT_EQ(listing.value().failures[0].error.message(), "no such program");
  EXPECT_EQ(listing.value().failures[1].server, "missing");
  EXPECT_EQ(listing.value().failures[1].error.code, ErrorCode::kUnknownServer);
}

TEST_F(ListToolsParallelTest, AHangingServerIsGivenUpAndTheOthersStay) {
  client.add("hangs");
  client.add("good").handler = always("[1]");
  BackgroundTask<ToolListing> listing = start({"hangs", "good"});
  loop.advance_ns(7 * kSecond);
  EXPECT_FALSE(listing.has_ended());
  scope.cancel(io::CancelCause::kDeadline);
  loop.run_until_idle();
  ASSERT_TRUE(listing.has_ended());
  ASSERT_EQ(listing.value().failures.size(), 1U);
  EXPECT_EQ(listing.value().failures[0].error.kind, ErrorKind::kTimeout);
  EXPECT_EQ(listing.value().failures[0].duration_ns, 7 * kSecond);
  ASSERT_EQ(listing.value().successes.size(), 1U);
  EXPECT_EQ(listing.value().successes[0].duration_ns, 0U);
}

/// A client that borrows its connections from a pool, as the daemon does.
struct PooledClient {
  pool::ConnectionPool* pool;
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
  io::task<Result<std::string>> operator()(std::string server, io::CancelScope& scope) const {
    pool::ServerSpec spec;
    spec.identity = std::move(server);
    Result<pool::Lease> lease = co_await pool->get(std::move(spec), scope);
    if (!lease.has_value()) co_return fail(lease.error());
    io::RpcReply reply = co_await lease->transport().request("tools/list", {}, {&scope});
    if (reply.outcome == protocol::Outcome::kOk) co_return std::move(reply.body);
    co_return fail(std::move(reply.error));
  }
};

// The pool outlives the task.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<int> clear(pool::ConnectionPool& pool) {
  co_await pool.clear();
  co_return 0;
}

TEST_F(ListToolsParallelTest, WorksOverAPoolAsOverAClientOfItsOwn) {
  test_support::FakeTransportFactory factory(loop);
  factory.prepare = [](test_support::FakeTransportFactory::Server& server) {
    if (server.spec.identity == "bad") {
      server.transport.set_open_result(fail(ErrorKind::kInternal, ErrorCode::kSpawnFailed));
    }
    server.transport.handler = always("[\"" + server.spec.identity + "\"]");
  };
  pool::ConnectionPool pool(loop, factory, {});
  const PooledClient pooled{&pool};
  for (int pass = 0; pass < 2; ++pass) {
    BackgroundTask<ToolListing> listing(
        loop, list_tools_parallel(scope, {"a", "bad", "b", "c"}, pooled, executor));
    loop.run_until_idle();
    ASSERT_TRUE(listing.has_ended());
    ASSERT_EQ(listing.value().successes.size(), 3U);
    EXPECT_EQ(listing.value().successes[2].tools_json, R"(["c"])");
    ASSERT_EQ(listing.value().failures.size(), 1U);
    EXPECT_EQ(listing.value().failures[0].server, "bad");
  }
  // The second pass found the good ones warm and tried the bad one again.
  EXPECT_EQ(factory.count(), 5U);
  BackgroundTask<int> cleared(loop, clear(pool));
  loop.run_until_idle();
  EXPECT_TRUE(cleared.has_ended());
}

TEST_F(ListToolsParallelTest, NoServersGiveAnEmptyListing) {
  BackgroundTask<ToolListing> listing = start({});
  ASSERT_TRUE(listing.has_ended());
  EXPECT_TRUE(listing.value().successes.empty());
  EXPECT_TRUE(listing.value().failures.empty());
}

}  // namespace
}  // namespace mcpwire::parallel
