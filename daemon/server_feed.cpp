// SPDX-License-Identifier: MIT
#include "daemon/server_feed.hpp"

#include "daemon/call_limits.hpp"
#include "io/mcp/splice.hpp"
#include "io/sleep.hpp"
#include "protocol/mcp/method.hpp"
#include "protocol/mcp/revision.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mcpwire::daemon {
namespace {

namespace mcp = protocol::mcp;
using protocol::Outcome;

/// The server's word on being left is not waited for longer.
constexpr std::uint64_t kLeaveNs = 500 * kNanosecondsPerMillisecond;

}  // namespace

ServerFeed::ServerFeed(EventLoop& loop, pool::ConnectionPool& pool, io::CancelScope& parent,
                       FoundServer server)
    : loop_(loop),
      pool_(pool),
      scope_(parent),
      server_(std::move(server)),
      tools_(loop, [this] { tell_lists(mcp::kToolsChanged); }),
      prompts_(loop, [this] { tell_lists(mcp::kPromptsChanged); }),
      resources_(loop, [this] { tell_lists(mcp::kResourcesChanged); }) {}

void ServerFeed::add(Subscription& subscription) {
  const bool is_known = std::ranges::includes(all_interests().uris, subscription.interests().uris);
  subscriptions_.push_back(subscription);
  if (is_flowing_ && is_known) return acknowledge_to(subscription);
  signal();
}

void ServerFeed::on_left() {
  signal();
  if (waiting_ != nullptr && !has_listeners()) waiting_->cancel(io::CancelCause::kCaller);
}

void ServerFeed::on_lost() {
  is_lost_ = true;
  signal();
}

/// Somebody came or went, or the server did.
void ServerFeed::signal() {
  has_changed_ = true;
  if (change_ != nullptr) change_->resolve({});
  if (listening_ == nullptr || is_lost_) return;
  // A modern server is asked anew only for what it does not tell yet.
  const bool is_enough =
      has_listeners() && std::ranges::includes(subscribed_, all_interests().uris);
  if (!is_enough) listening_->cancel(io::CancelCause::kCaller);
}

Interests ServerFeed::all_interests() {
  // The lists are always asked for: they cost nothing, and who comes later needs no new request.
  Interests all{true, true, true, {}};
  subscriptions_.for_each([&](Subscription& subscription) {
    all.uris.insert(subscription.interests().uris.begin(), subscription.interests().uris.end());
  });
  return all;
}

io::RequestOptions ServerFeed::request_options() {
  const std::uint64_t now_ns = loop_.now_ns();
  const CallLimits limits = call_limits(now_ns, 0, server_.server->timeout_ns);
  const bool is_leaving = !has_listeners();
  return {.scope = &scope_, .deadline_ns = is_leaving ? now_ns + kLeaveNs : limits.deadline_ns};
}

io::task<Result<void>> ServerFeed::run() {
  while (is_wanted()) {
    io::CancelScope patience(scope_);
    waiting_ = &patience;
    Result<pool::Lease> lease = co_await lease_server(pool_, server_, patience);
    waiting_ = nullptr;
    if (patience.is_cancelled()) continue;
    if (!lease.has_value()) {
      const Error why = lease.error();
      subscriptions_.for_each([&](Subscription& one) { one.on_unreachable(why); });
    } else {
      lease_ = *std::move(lease);
      is_lost_ = has_changed_ = false;
      subscribed_.clear();
      const std::uint64_t opened_ns = loop_.now_ns();
      const bool is_modern = mcp::is_modern(lease_.transport().server_info().revision);
      static_cast<void>(is_modern ? co_await listen_modern() : co_await listen_legacy());
      if (loop_.now_ns() - opened_ns > kFeedPauseMaxNs) pause_ns_ = kFeedPauseMinNs;
      lease_ = pool::Lease();
      has_missed_ = std::exchange(is_flowing_, false) || has_missed_;
    }
    if (is_wanted()) co_await pause();
  }
  co_return Result<void>{};
}

io::task<void> ServerFeed::pause() {
  io::CancelScope patience(scope_);
  waiting_ = &patience;
  static_cast<void>(co_await io::sleep_until(loop_, patience, loop_.now_ns() + pause_ns_));
  waiting_ = nullptr;
  pause_ns_ = std::min(pause_ns_ * 2, kFeedPauseMaxNs);
}

io::task<void> ServerFeed::await_change() {
  if (!has_changed_) {
    io::OneShot<void> change(loop_);
    change_ = &change;
    static_cast<void>(co_await change.wait(scope_));
    change_ = nullptr;
  }
  has_changed_ = false;
}

// --- Modern ----------------------------------------------------------------------------------

io::task<Result<void>> ServerFeed::listen_modern() {
  while (!is_lost_ && is_wanted()) {
    const std::string& capabilities = lease_.transport().server_info().capabilities_json;
    const Interests asked = offered(reader_, capabilities, all_interests());
    subscribed_ = all_interests().uris;
    if (asked.is_empty()) {
      acknowledge();
      co_await await_change();
      continue;
    }
    const std::string params = listen_params(asked);
    io::CancelScope round(scope_);
    listening_ = &round;
    const io::RpcReply reply =
        co_await lease_.transport().request(mcp::kListen, params, {.scope = &round});
    listening_ = nullptr;
    has_missed_ = std::exchange(is_flowing_, false) || has_missed_;
    // Taken back to be asked anew; every other end is the server's.
    if (!round.is_cancelled()) co_return Result<void>{};
  }
  co_return Result<void>{};
}

// --- Legacy ----------------------------------------------------------------------------------

io::task<Result<void>> ServerFeed::listen_legacy() {
  while (!is_lost_ && !scope_.is_cancelled()) {
    has_changed_ = false;
    if (!co_await update_resources()) break;
    // Somebody came or went meanwhile.
    if (has_changed_) continue;
    // The last one went: nothing is subscribed any more. The server may live on for others.
    if (!has_listeners()) break;
    acknowledge();
    co_await await_change();
  }
  co_return Result<void>{};
}

/// Subscribes and unsubscribes until the server tells just what is wanted. False: it is lost.
io::task<bool> ServerFeed::update_resources() {
  const std::string& capabilities = lease_.transport().server_info().capabilities_json;
  const std::set<std::string> wanted = offered(reader_, capabilities, all_interests()).uris;
  const std::set<std::string> before = subscribed_;
  std::set<std::string> changes;
  std::ranges::set_symmetric_difference(wanted, before, std::inserter(changes, changes.end()));
  for (const std::string& uri : changes) {
    const bool is_new = wanted.contains(uri);
    const std::string params = io::with_member({}, "uri", uri);
    const io::RpcReply reply = co_await lease_.transport().request(
        is_new ? "resources/subscribe" : "resources/unsubscribe", params, request_options());
    // A resource that the server refuses is not asked for again: it will not change its mind.
    if (reply.outcome != Outcome::kOk && reply.outcome != Outcome::kPeerError) co_return false;
    if (is_new) {
      subscribed_.insert(uri);
    } else {
      subscribed_.erase(uri);
    }
  }
  co_return true;
}

// --- What is told ----------------------------------------------------------------------------

void ServerFeed::acknowledge() {
  is_flowing_ = true;
  subscriptions_.for_each([this](Subscription& one) {
    if (!one.is_acknowledged_) acknowledge_to(one);
  });
  if (std::exchange(has_missed_, false)) tell_all_changed();
}

void ServerFeed::acknowledge_to(Subscription& one) {
  one.is_acknowledged_ = true;
  const std::string& capabilities = lease_.transport().server_info().capabilities_json;
  one.on_heard(mcp::kAcknowledged, listen_params(offered(reader_, capabilities, one.interests())));
}

void ServerFeed::tell_all_changed() {
  tools_.hit();
  prompts_.hit();
  resources_.hit();
  for (const std::string& uri : all_interests().uris) tell_update(uri);
}

void ServerFeed::on_notification(std::string_view method, std::string_view params) {
  if (method == mcp::kToolsChanged) return tools_.hit();
  if (method == mcp::kPromptsChanged) return prompts_.hit();
  if (method == mcp::kResourcesChanged) return resources_.hit();
  if (method == mcp::kAcknowledged) return acknowledge();
  if (method != mcp::kResourceUpdated) return;
  static constexpr std::array<std::string_view, 1> kNames = {"uri"};
  std::array<std::string_view, 1> uri;
  if (reader_.extract_fields(params, kNames, uri).has_value() && uri[0].starts_with('"')) {
    tell_update(uri[0]);
  }
}

void ServerFeed::tell_lists(std::string_view method) {
  subscriptions_.for_each([&](Subscription& one) {
    if (one.interests().wants_list(method)) one.on_heard(method, {});
  });
}

void ServerFeed::tell_update(std::string_view uri) {
  const std::string params = io::with_member({}, "uri", uri);
  subscriptions_.for_each([&](Subscription& one) {
    if (one.interests().wants_uri(uri)) one.on_heard(mcp::kResourceUpdated, params);
  });
}

}  // namespace mcpwire::daemon
