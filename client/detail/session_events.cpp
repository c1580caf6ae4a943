// SPDX-License-Identifier: MIT
//
// The part of a session that deals with what comes unasked: progress, questions, notifications.
#include "client/detail/session.hpp"

#include "client/detail/requests.hpp"
#include "protocol/payload_codec.hpp"

#include <utility>

namespace mcpwire::client::detail {

using protocol::FrameKind;
using protocol::Method;

namespace {

/// An answer to a server waits no longer than this for room in the ring.
constexpr std::uint64_t kAnswerSendNs = 1 * kNanosecondsPerSecond;

}  // namespace

void Session::on_event(const protocol::FrameHeader& header, ByteSpan payload) {
  switch (static_cast<Method>(header.request.method)) {
    case Method::kProgress: {
      const protocol::PayloadReader reader(payload);
      const auto event = reader.fixed<protocol::ProgressEvent>();
      if (!event || !progress_) return;
      if (const auto params = reader.text(event->params)) progress_(header.correlation, *params);
      return;
    }
    case Method::kNotification: {
      const auto notification = decode_notification(payload);
      if (notification && notification_) notification_(*notification);
      return;
    }
    case Method::kServerRequest: {
      const auto question = decode_question(payload);
      if (question) on_question(*question);
      return;
    }
    default:
      return;
  }
}

void Session::on_question(const ServerQuestion& question) {
  std::optional<ServerAnswer> answer(ServerAnswer{});
  if (question_) answer = question_(question);
  // Sent by whoever waits: this is called from inside the link.
  if (answer) answers_.push_back(encode_answer(question.correlation, question.key, *answer));
}

void Session::answer_server(std::uint64_t correlation, std::uint64_t key, ServerAnswer answer) {
  answers_.push_back(encode_answer(correlation, key, answer));
}

/// One that finds no room is given up: the daemon then refuses in our place.
void Session::send_answers() {
  for (const std::string& answer : std::exchange(answers_, {})) {
    if (link_->is_lost()) return;
    static_cast<void>(link_->send(*this,
                                  protocol::make_header(FrameKind::kEvent, Method::kServerAnswer),
                                  0, as_bytes(answer), monotonic_now_ns() + kAnswerSendNs));
  }
}

}  // namespace mcpwire::client::detail
