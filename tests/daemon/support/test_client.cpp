// SPDX-License-Identifier: MIT
#include "tests/daemon/support/test_client.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace mcpwire::test_support {

using protocol::FrameKind;
using protocol::Method;

protocol::ParsedErrorBody Answer::failure() const {
  const Result<protocol::ParsedErrorBody> parsed = protocol::parse_error_body(as_bytes(payload));
  EXPECT_TRUE(parsed.has_value()) << "not an error body";
  return parsed.value_or(protocol::ParsedErrorBody{});
}

TestClient::TestClient(daemon::Services& services)
    : Owner(services),
      loop_(services.loop),
      session_(std::make_unique<daemon::Session>(
          std::make_unique<RecordingChannel>(channel, record), *this)) {
  session_->start();
}

void TestClient::on_session_closing(daemon::Session& session) {
  end_.emplace(loop_, session.end());
}

void TestClient::hello(const daemon::ConfigurationKey& key, const FileIdentity& seen,
                       std::uint64_t features) {
  protocol::PayloadBuilder<protocol::HelloRequest> hello;
  hello.fixed.version_min = protocol::kWireVersion;
  hello.fixed.version_max = protocol::kWireVersion;
  hello.fixed.features_optional = features;
  hello.fixed.config_origin = key.origin;
  hello.fixed.config_device = seen.device;
  hello.fixed.config_inode = seen.inode;
  hello.fixed.config_bytes = seen.bytes;
  hello.fixed.config_modified_ns = seen.modified_ns;
  hello.fixed.config_changed_ns = seen.changed_ns;
  hello.fixed.config_path = hello.add(key.path);
  hello.fixed.working_directory = hello.add(key.working_directory);
  hello.fixed.environment = hello.add(key.environment);
  deliver(FrameKind::kRequest, Method::kHello, 0, hello.take());
}

std::uint64_t TestClient::request(Method method, std::string_view payload) {
  deliver(FrameKind::kRequest, method, ++last_correlation_, payload);
  return last_correlation_;
}

void TestClient::deliver(FrameKind kind, Method method, std::uint64_t correlation,
                         std::string_view payload) {
  channel.deliver(kind, method, correlation, payload);
}

void TestClient::cancel(std::uint64_t correlation) {
  protocol::PayloadBuilder<protocol::CancelEvent> event;
  event.fixed.correlation = correlation;
  deliver(FrameKind::kEvent, Method::kCancel, 0, event.take());
}

void TestClient::disconnect() {
  channel.disconnect(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
}

std::size_t TestClient::answers(std::uint64_t correlation) const {
  std::size_t count = 0;
  for (const FakeFrameChannel::SentFrame& frame : channel.sent()) {
    if (frame.correlation != correlation) continue;
    if (protocol::kind_of(frame.header.flags) != FrameKind::kEvent) ++count;
  }
  return count;
}

std::optional<Answer> TestClient::answer(std::uint64_t correlation) const {
  EXPECT_LE(answers(correlation), 1U);
  const std::optional<FakeFrameChannel::SentFrame> frame = channel.answer_to(correlation);
  if (!frame.has_value()) return std::nullopt;
  return Answer{protocol::kind_of(frame->header.flags), protocol::outcome_of(frame->header.flags),
                frame->payload};
}

std::string call_payload(const CallArguments& call) {
  protocol::PayloadBuilder<protocol::CallToolRequest> request;
  request.fixed.deadline_ns = call.deadline_ns;
  request.fixed.server = request.add(call.server);
  request.fixed.tool = request.add(call.tool);
  request.fixed.arguments = request.add(call.arguments);
  return request.take();
}

std::string list_payload(std::string_view server, std::uint64_t deadline_ns,
                         std::uint32_t concurrency) {
  protocol::PayloadBuilder<protocol::ListToolsRequest> request;
  request.fixed.deadline_ns = deadline_ns;
  request.fixed.concurrency = concurrency;
  request.fixed.server = request.add(server);
  return request.take();
}

}  // namespace mcpwire::test_support
