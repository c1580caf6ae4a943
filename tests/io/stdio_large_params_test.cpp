// SPDX-License-Identifier: MIT
//
// Large parameters go to a server from where they lie, and make the same line as a copy of them.
#include "tests/io/stdio_transport_fixture.hpp"

#include <memory>

namespace mcpwire::io {
namespace {

using protocol::Outcome;

class StdioLargeParamsTest : public StdioTransportTest {
 protected:
  using Memory = std::shared_ptr<const std::string>;

  /// As call(), with parameters that are not copied on the way.
  TestCall& call_in_place(const Memory& memory, RequestOptions options = {}) {
    TestCall& made = calls.emplace_back();
    options.scope = &made.scope;
    options.params_memory = memory;
    scope.spawn(send(transport.get(), options, &made.reply));
    loop.run_until_idle();
    return made;
  }

 private:
  static task<Result<void>> send(StdioTransport* transport, RequestOptions options,
                                 std::optional<RpcReply>* reply) {
    *reply = co_await transport->request("m", *options.params_memory, options);
    co_return Result<void>{};
  }
};

TEST_F(StdioLargeParamsTest, TheLineIsThatOfACopy) {
  open();
  TestProgress progress;
  for (const char* const params : {"{}", R"({"a":[1,2]})", R"({  "a":"}"  })", "{ }"}) {
    for (const bool has_meta : {false, true}) {
      const RequestOptions options{.progress = has_meta ? &progress : nullptr};
      const std::string id = std::to_string(2 + calls.size());
      call_in_place(std::make_shared<const std::string>(params), options);
      const std::string token = R"({"_meta":{"progressToken":)" + id + "}";
      std::string expected = params;
      if (has_meta) {
        const std::size_t first = expected.find_first_not_of(" ", 1);
        expected = token + (expected[first] == '}' ? "" : ",") + expected.substr(first);
      }
      EXPECT_EQ(written(),
                R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"m","params":)" + expected + "}\n");
    }
  }
}

TEST_F(StdioLargeParamsTest, TheyAreKeptUntilTheyAreWrittenWhateverBecomesOfTheCall) {
  open();
  child().input.block();
  auto memory = std::make_shared<const std::string>(R"({"a":1})");
  TestCall& made = call_in_place(memory);
  child().input.accept_while_blocked(20);
  loop.run_until_idle();
  made.scope.cancel(CancelCause::kCaller);
  loop.run_until_idle();
  ASSERT_TRUE(made.is_done());
  EXPECT_EQ(made.reply->outcome, Outcome::kCancelled);
  made.reply.reset();
  EXPECT_GT(memory.use_count(), 1);
  child().input.unblock();
  loop.run_until_idle();
  EXPECT_EQ(memory.use_count(), 1);
  EXPECT_TRUE(written().starts_with(R"({"jsonrpc":"2.0","id":2,"method":"m","params":{"a":1}})"
                                    "\n"));
}

/// How a call ends whose line lacks its last bytes when the server dies.
class StdioBrokenLargeWriteTest : public StdioLargeParamsTest {
 protected:
  Outcome outcome_without(std::size_t missing_bytes) {
    const std::string line = R"({"jsonrpc":"2.0","id":2,"method":"m","params":{"a":1}})"
                             "\n";
    open();
    child().input.fail_after(line.size() - missing_bytes,
                             Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
    TestCall& made = call_in_place(std::make_shared<const std::string>(R"({"a":1})"));
    child().die({false, 1});
    loop.run_until_idle();
    EXPECT_TRUE(made.is_done());
    return made.is_done() ? made.reply->outcome : Outcome::kNone;
  }
};

TEST_F(StdioBrokenLargeWriteTest, ALineThatLacksItsLastJsonByteIsNotSent) {
  EXPECT_EQ(outcome_without(2), Outcome::kNotSent);
}

TEST_F(StdioBrokenLargeWriteTest, ALineThatLacksOnlyItsNewlineIsUnknown) {
  EXPECT_EQ(outcome_without(1), Outcome::kUnknown);
}

TEST_F(StdioLargeParamsTest, OtherParamsThanThoseAreCopied) {
  open();
  call("m", R"({"b":2})", {.params_memory = std::make_shared<const std::string>(R"({"a":1})")});
  EXPECT_EQ(written(), R"({"jsonrpc":"2.0","id":2,"method":"m","params":{"b":2}})"
                       "\n");
}

}  // namespace
}  // namespace mcpwire::io
