// SPDX-License-Identifier: MIT
//
// TestClient: one client of the daemon and the session that serves it.
//
// Threading: one thread.
#pragma once

#include "daemon/session.hpp"
#include "protocol/params.hpp"
#include "protocol/payload_codec.hpp"
#include "tests/daemon/support/recording_channel.hpp"
#include "tests/parallel/background_task.hpp"
#include "tests/support/fake_frame_channel.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::test_support {

/// The answer to one request.
struct Answer {
  protocol::FrameKind kind = protocol::FrameKind::kEvent;
  protocol::Outcome outcome = protocol::Outcome::kNone;
  std::string payload;

  /// For outcomes that carry an ErrorBody.
  protocol::ParsedErrorBody failure() const;
};

class TestClient final : public daemon::Session::Owner {
 public:
  explicit TestClient(daemon::Services& services);
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  /// Says hello with this configuration; an origin of kNone names none.
  void hello(const daemon::ConfigurationKey& key, const FileIdentity& seen,
             std::uint64_t features = 0);

  /// Sends a request and returns its correlation id.
  std::uint64_t request(protocol::Method method, std::string_view payload = {});
  void deliver(protocol::FrameKind kind, protocol::Method method, std::uint64_t correlation,
               std::string_view payload = {});
  void cancel(std::uint64_t correlation);
  void disconnect();

  /// The answer, provided that there is exactly one. The test fails on a second one.
  std::optional<Answer> answer(std::uint64_t correlation) const;
  std::size_t answers(std::uint64_t correlation) const;
  /// Requests sent so far; their correlation ids are 1 to this.
  std::uint64_t requests() const noexcept { return last_correlation_; }

  bool has_ended() const noexcept { return end_ && end_->has_ended(); }
  daemon::Session& session() noexcept { return *session_; }
  RecordingChannel& recording() noexcept {
    return static_cast<RecordingChannel&>(session_->channel());
  }

  FakeFrameChannel channel;
  ChannelRecord record;

 private:
  void on_session_closing(daemon::Session& session) override;

  EventLoop& loop_;
  std::unique_ptr<daemon::Session> session_;
  std::optional<BackgroundTask<Result<void>>> end_;
  std::uint64_t last_correlation_ = 0;
};

/// Payloads of requests.
struct CallArguments {
  std::string_view server = "files";
  std::string_view tool = "read";
  std::string_view arguments = "{}";
  std::uint64_t deadline_ns = 0;
};
std::string call_payload(const CallArguments& call);
std::string list_payload(std::string_view server, std::uint64_t deadline_ns = 0,
                         std::uint32_t concurrency = 0);

}  // namespace mcpwire::test_support
