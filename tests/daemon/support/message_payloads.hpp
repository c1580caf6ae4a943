// SPDX-License-Identifier: MIT
//
// Payloads of the messages of protocol/rpc_params.hpp, and what clients were told by them.
#pragma once

#include "protocol/payload_codec.hpp"
#include "protocol/rpc_params.hpp"
#include "tests/daemon/support/test_client.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::test_support {

struct MessageArguments {
  std::string_view server = "files";
  std::string_view method = "resources/read";
  std::string_view params = R"({"uri":"a"})";
  std::string_view meta = {};
  std::uint64_t abilities = 0;
  std::uint64_t deadline_ns = 0;
  protocol::Pages pages = protocol::Pages::kOne;
  std::uint8_t trace = 0;  ///< Each byte of the trace id; 0: none.
};

inline std::string message_payload(const MessageArguments& message) {
  protocol::PayloadBuilder<protocol::RpcRequest> request;
  request.fixed.pages = message.pages;
  request.fixed.deadline_ns = message.deadline_ns;
  request.fixed.abilities = message.abilities;
  request.fixed.trace_id.fill(message.trace);
  request.fixed.parent_span_id.fill(message.trace);
  request.fixed.trace_flags = 1;
  request.fixed.server = request.add(message.server);
  request.fixed.method = request.add(message.method);
  request.fixed.params = request.add(message.params);
  request.fixed.meta = request.add(message.meta);
  return request.take();
}

inline std::string answer_payload(std::uint64_t correlation, std::uint64_t key,
                                  protocol::ServerAnswerKind kind, std::string_view result) {
  protocol::PayloadBuilder<protocol::ServerAnswerEvent> answer;
  answer.fixed.correlation = correlation;
  answer.fixed.key = key;
  answer.fixed.kind = kind;
  answer.fixed.result = answer.add(result);
  return answer.take();
}

/// The events of that method a client was sent: "key method params" of questions, "server method
/// params" of notifications.
inline std::vector<std::string> told(const TestClient& client, protocol::Method method) {
  std::vector<std::string> all;
  for (const FakeFrameChannel::SentFrame& frame : client.channel.sent()) {
    if (frame.header.method != static_cast<std::uint32_t>(method)) continue;
    const protocol::PayloadReader reader(as_bytes(frame.payload));
    if (method == protocol::Method::kServerRequest) {
      const auto event = reader.fixed<protocol::ServerRequestEvent>().value();
      EXPECT_EQ(event.correlation, frame.correlation);
      all.push_back(std::to_string(event.key) + " " +
                    std::string(reader.text(event.method).value()) + " " +
                    std::string(reader.text(event.params).value()));
    } else if (protocol::kind_of(frame.header.flags) == protocol::FrameKind::kEvent) {
      const auto event = reader.fixed<protocol::NotificationEvent>().value();
      EXPECT_EQ(event.correlation, frame.correlation);
      all.push_back(std::string(reader.text(event.server).value()) + " " +
                    std::string(reader.text(event.method).value()) + " " +
                    std::string(reader.text(event.params).value()));
    }
  }
  return all;
}

}  // namespace mcpwire::test_support
