// SPDX-License-Identifier: MIT
//
// Reserved fields of what a client says, bit by bit: a request is rejected and sent nowhere, of
// anything else the connection ends (FRAME.md, section 10).
#include "protocol/rpc_params.hpp"
#include "tests/daemon/support/daemon_fixture.hpp"
#include "tests/daemon/support/message_payloads.hpp"
#include "tests/protocol/reserved_bits.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::daemon {
namespace {

using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using protocol::with_each_reserved_bit;
using test_support::call_payload;
using test_support::message_payload;

class DaemonReservedFieldsTest : public DaemonTest {
 protected:
  DaemonReservedFieldsTest() { configure({"files"}); }

  void expect_rejected(Method method, const std::vector<std::string>& payloads) {
    TestClient& client = connect_configured(protocol::feature::kMessages);
    for (const std::string& payload : payloads) {
      const Answer answer = ask(client, method, payload);
      EXPECT_EQ(answer.outcome, Outcome::kRejected);
      EXPECT_EQ(answer.failure().error.code, ErrorCode::kProtocolViolation);
      EXPECT_EQ(answer.failure().error.message(), "reserved field in use");
    }
    EXPECT_EQ(factory.count(), 0U) << "no server was started for it";
    EXPECT_EQ(ask(client, Method::kPing).outcome, Outcome::kOk);
  }
  void expect_ended(FrameKind kind, Method method, const std::vector<std::string>& payloads) {
    for (const std::string& payload : payloads) {
      TestClient& client = connect();
      client.deliver(kind, method, 0, payload);
      settle();
      EXPECT_TRUE(client.has_ended());
    }
    EXPECT_EQ(counters.violations, payloads.size());
  }
  template <class Struct>
  static std::string empty() {
    return protocol::PayloadBuilder<Struct>().take();
  }
};

TEST_F(DaemonReservedFieldsTest, OfACall) {
  expect_rejected(Method::kCallTool,
                  with_each_reserved_bit<protocol::CallToolRequest>(call_payload({})));
}

TEST_F(DaemonReservedFieldsTest, OfARequest) {
  expect_rejected(Method::kRequest,
                  with_each_reserved_bit<protocol::RpcRequest>(message_payload({})));
}

TEST_F(DaemonReservedFieldsTest, OfAListen) {
  expect_rejected(Method::kRequest,
                  with_each_reserved_bit<protocol::RpcRequest>(message_payload(
                      {.method = "subscriptions/listen", .params = R"({"notifications":{}})"})));
}

TEST_F(DaemonReservedFieldsTest, OfHello) {
  expect_ended(FrameKind::kRequest, Method::kHello,
               with_each_reserved_bit<protocol::HelloRequest>(empty<protocol::HelloRequest>()));
}

TEST_F(DaemonReservedFieldsTest, OfACancel) {
  expect_ended(FrameKind::kEvent, Method::kCancel,
               with_each_reserved_bit<protocol::CancelEvent>(empty<protocol::CancelEvent>()));
}

TEST_F(DaemonReservedFieldsTest, PagesOfNoKnownKindAreRejectedToo) {
  TestClient& client = connect_configured(protocol::feature::kMessages);
  const Answer answer =
      ask(client, Method::kRequest, message_payload({.pages = static_cast<protocol::Pages>(2)}));
  EXPECT_EQ(answer.outcome, Outcome::kRejected);
  EXPECT_EQ(answer.failure().error.code, ErrorCode::kProtocolViolation);
  EXPECT_EQ(factory.count(), 0U);
}

}  // namespace
}  // namespace mcpwire::daemon
