// SPDX-License-Identifier: MIT
//
// ServerFeed: what one server tells unasked, kept flowing for all who listen to it. A modern server
// is asked by one subscriptions/listen for everybody; at a legacy one the resources are subscribed,
// its list changes come by themselves. While somebody listens the server is kept open: after its
// end it is started again and asked anew, and whoever listens is told that all may have changed.
//
// Threading: the loop's thread.
// Invariants: run() ends after the last listener has left and what it asked for was taken back, or
// when the parent scope is cancelled; whoever comes before that is served by the same feed.
#pragma once

#include "daemon/debounce.hpp"
#include "daemon/interests.hpp"
#include "daemon/server_access.hpp"
#include "io/cancel.hpp"
#include "io/one_shot.hpp"
#include "io/task.hpp"
#include "pool/connection_pool.hpp"
#include "protocol/base/intrusive_list.hpp"
#include "protocol/base/seams/clock.hpp"
#include "protocol/base/seams/event_loop.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace mcpwire::daemon {

/// Pauses before a server that ended, or cannot be opened, is tried again.
inline constexpr std::uint64_t kFeedPauseMinNs = 1 * kNanosecondsPerSecond;
inline constexpr std::uint64_t kFeedPauseMaxNs = 60 * kNanosecondsPerSecond;

/// Somebody who listens to one server. Leaves its feed on destruction.
class Subscription : public ListNode {
 public:
  explicit Subscription(Interests wanted) : interests_(std::move(wanted)) {}
  const Interests& interests() const noexcept { return interests_; }

  /// `params` is valid during the call only. The first is notifications/subscriptions/acknowledged.
  virtual void on_heard(std::string_view method, std::string_view params) = 0;
  /// The server cannot be opened; it is tried again.
  virtual void on_unreachable(const Error& why) = 0;

 protected:
  ~Subscription() = default;

 private:
  friend class ServerFeed;
  Interests interests_;
  bool is_acknowledged_ = false;
};

class ServerFeed {
 public:
  /// `parent`, loop and pool outlive it.
  ServerFeed(EventLoop& loop, pool::ConnectionPool& pool, io::CancelScope& parent,
             FoundServer server);

  io::task<Result<void>> run();
  void add(Subscription& subscription);
  /// After a subscription has left.
  void on_left();
  bool has_listeners() noexcept { return !subscriptions_.empty(); }

  bool is_on(const pool::PooledConnection& connection) const noexcept {
    return lease_ && &lease_.connection() == &connection;
  }
  void on_notification(std::string_view method, std::string_view params);
  void on_lost();

 private:
  io::task<Result<void>> listen_modern();
  io::task<Result<void>> listen_legacy();
  io::task<bool> update_resources();
  io::task<void> await_change();
  io::task<void> pause();
  io::RequestOptions request_options();
  bool is_wanted() { return !scope_.is_cancelled() && has_listeners(); }
  Interests all_interests();
  void acknowledge();
  void tell_lists(std::string_view method);
  void tell_update(std::string_view uri);
  void tell_all_changed();
  void acknowledge_to(Subscription& one);
  void signal();

  EventLoop& loop_;
  pool::ConnectionPool& pool_;
  io::CancelScope scope_;
  FoundServer server_;
  pool::Lease lease_;
  IntrusiveList<Subscription> subscriptions_;
  protocol::json::ValueReader reader_;
  Debounce tools_;
  Debounce prompts_;
  Debounce resources_;
  std::set<std::string> subscribed_;      ///< At a legacy server; raw tokens.
  io::CancelScope* listening_ = nullptr;  ///< Of the modern request under way.
  io::OneShot<void>* change_ = nullptr;   ///< While somebody waits for one.
  io::CancelScope* waiting_ = nullptr;    ///< For the server to open, or until it is tried again.
  std::uint64_t pause_ns_ = kFeedPauseMinNs;
  bool has_changed_ = false;
  bool is_lost_ = false;
  bool is_flowing_ = false;  ///< The server has begun to tell.
  bool has_missed_ = false;  ///< It told before, and then not for a while.
};

}  // namespace mcpwire::daemon
