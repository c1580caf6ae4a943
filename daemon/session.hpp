// SPDX-License-Identifier: MIT
//
// Session: one connected client and its requests. Frames come from a FrameChannel, each request
// runs as a task of its own, and when the client goes away its requests are given up. A session
// itself is no task: ten thousand idle clients would keep ten thousand coroutine frames.
//
// Threading: the loop's thread.
// Invariants: a session ends only after the last of its requests; its channel is closed by then.
#pragma once

#include "daemon/request_payload.hpp"
#include "daemon/services.hpp"
#include "io/cancel.hpp"
#include "io/one_shot.hpp"
#include "io/scope.hpp"
#include "io/task.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/base/seams/frame_channel.hpp"
#include "protocol/methods.hpp"
#include "protocol/request_header.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::daemon {

class Request;

class Session final : public ListNode, private FrameChannel::Receiver {
 public:
  class Owner {
   public:
    /// `services` outlive the owner.
    explicit Owner(Services& services) noexcept : services_(services) {}
    Services& services() const noexcept { return services_; }
    /// Comes once, from the loop: the client is gone, or stop() was called. The owner runs end()
    /// and may destroy the session when that has returned.
    virtual void on_session_closing(Session& session) = 0;

   protected:
    ~Owner() = default;

   private:
    Services& services_;
  };

  /// The owner outlives the session.
  Session(std::unique_ptr<FrameChannel> channel, Owner& owner);

  /// Serves the client from here on.
  void start();

  /// Waits for the last requests, and for the client to take its answers where it is still there.
  io::task<Result<void>> end();

  /// Payload bytes that one client may have under way; a single larger request is let through.
  static constexpr std::size_t kRequestBytesMax = std::size_t{64} << 20;

  /// Gives up all requests (their callers get kShuttingDown) and closes the channel as soon as the
  /// client has taken its answers, or half a second later.
  void stop();

  Services& services() const noexcept { return owner_.services(); }
  FrameChannel& channel() const noexcept { return *channel_; }
  /// Both sides speak it.
  bool has(std::uint64_t feature) const noexcept { return (features_ & feature) != 0; }
  /// kQueueFull: not now; Request::on_room() tells when. kClosed: never again.
  Result<void> send_event(protocol::Method method, std::uint64_t correlation,
                          std::string_view payload);

  /// Nothing can be told to the client any more.
  bool is_closed() const noexcept { return is_closing() && !is_stopping_; }

  /// The client's configuration as it stands now; waits only when it has to be read.
  ConfigurationPointer try_configuration();
  io::task<Result<ConfigurationPointer>> configuration(io::CancelScope& scope);

 private:
  friend class Request;
  /// The end has begun: by the client, or by stop().
  struct Closing final : Runnable {
    explicit Closing(Session& ending) noexcept : session(ending) {}
    void run() override { session.owner_.on_session_closing(session); }
    Session& session;
    io::OneShot<void>* all_sent = nullptr;  ///< While flush() waits.
  };

  /// What is under way.
  struct Activity {
    explicit Activity(EventLoop& loop) : scope(loop) {}
    io::Scope scope;  ///< Of the requests.
    IntrusiveList<Request> requests;
    std::size_t bytes = 0;  ///< Their payloads.
    std::optional<Closing> closing;
  };

  void on_frame(const protocol::FrameHeader& header, ByteSpan payload) override;
  void on_channel_closed(const Error& why) override;
  void on_all_sent() override;
  void on_rest() override;

  void on_hello(ByteSpan payload);
  void on_request(const protocol::FrameHeader& header, ByteSpan payload);
  void on_cancel(ByteSpan payload);
  void on_server_answer(ByteSpan payload);
  /// Of the frame that is being handed over.
  RequestPayload take_payload(ByteSpan payload);
  Request* find_request(std::uint64_t correlation);
  void answer_ping(const protocol::FrameHeader& header, ByteSpan payload);
  void answer_overloaded(const protocol::FrameHeader& header);
  void violation(const char* what);
  /// Closes the channel and cancels the requests: nobody takes their answers.
  void give_up();
  Activity& ensure_activity();
  bool is_closing() const noexcept { return activity_ != nullptr && activity_->closing; }
  void cancel_requests(io::CancelCause cause);
  bool has_room_for(std::size_t payload_bytes) const noexcept;
  io::task<void> flush();
  void begin_closing();

  // Ten thousand idle clients have these: what only a busy one needs belongs to Activity.
  Owner& owner_;
  std::unique_ptr<FrameChannel> channel_;
  std::unique_ptr<Activity> activity_;      ///< Only while there is any.
  SeenConfigurationPointer configuration_;  ///< Set by HELLO; null: the client named none.
  std::uint32_t features_ = 0;              ///< Of HELLO.
  bool is_stopping_ = false;                ///< By stop(): the client is still there.
};

}  // namespace mcpwire::daemon
