// SPDX-License-Identifier: MIT
//
// What a server has forgotten or changed while the conversation went on: its session, and the
// schemas from which headers are made. All calls that meet it wait for one renewal.
#include "io/http/streamable_http_transport.hpp"
#include "io/mcp/pages.hpp"
#include "protocol/mcp/method.hpp"

#include <utility>

namespace mcpwire::io {

namespace mcp = protocol::mcp;
using detail::HttpCall;
using detail::Recovery;
using detail::Rung;
using protocol::Outcome;

namespace {

constexpr std::uint64_t kRenewalNs = 30 * kNanosecondsPerSecond;
constexpr PageLimits kToolPages{.pages = 1000, .bytes = std::size_t{64} << 20};

}  // namespace

void StreamableHttpTransport::on_recoverable(HttpCall& call, Recovery what) {
  if (what == Recovery::kSession && call.session_used() != peer_.session_id) {
    // Somebody else has begun a new one meanwhile.
    return begin(call);
  }
  if (what == Recovery::kSession) {
    waiting_for_session_.push_back(call);
    if (!std::exchange(is_renewing_session_, true)) work_.spawn(renew_session());
  } else {
    waiting_for_tools_.push_back(call);
    if (!std::exchange(is_renewing_tools_, true)) work_.spawn(renew_tools());
  }
}

task<Result<void>> StreamableHttpTransport::renew_session() {
  const Result<void> renewed = co_await begin_session_anew();
  is_renewing_session_ = false;
  start_again(waiting_for_session_, renewed);
  co_return Result<void>{};
}

task<Result<void>> StreamableHttpTransport::begin_session_anew() {
  listener_.reset();
  detail::LadderStep step =
      co_await initialize({&work_.cancel_scope(), loop_.now_ns() + kRenewalNs});
  if (step.rung != Rung::kLegacy) co_return fail(shown(step.error));
  start_listening();
  co_return Result<void>{};
}

task<Result<void>> StreamableHttpTransport::renew_tools() {
  peer_.tools.clear();
  const Result<void> renewed = co_await fetch_tools();
  is_renewing_tools_ = false;
  start_again(waiting_for_tools_, renewed);
  co_return Result<void>{};
}

task<Result<void>> StreamableHttpTransport::fetch_tools() {
  // Each page that comes is looked through by request().
  static const mcp::MethodFacts* const kList = mcp::find_method(mcp::kToolsList);
  const RpcReply reply = co_await fetch_pages(
      *this, *kList, {},
      {.scope = &work_.cancel_scope(), .deadline_ns = loop_.now_ns() + kRenewalNs}, kToolPages);
  if (reply.outcome == Outcome::kOk) co_return Result<void>{};
  co_return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                 "the server refuses the tool's headers and does not list its tools");
}

void StreamableHttpTransport::start_again(IntrusiveList<HttpCall>& waiting,
                                          const Result<void>& renewed) {
  while (HttpCall* const call = waiting.pop_front()) {
    if (state_ == State::kClosed) continue;
    if (renewed.has_value()) {
      begin(*call);
    } else {
      call->refuse(renewed.error());
    }
  }
}

}  // namespace mcpwire::io
