// SPDX-License-Identifier: MIT
#include "pool/connection_pool.hpp"

#include "io/sleep.hpp"
#include "protocol/base/check.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace mcpwire::pool {
namespace {

// What snapshot() remembers of servers that are gone; configurations that change all the time
// must not grow it without end.
constexpr std::size_t kFailuresKeptMax = 256;

std::string describe(const io::ServerInfo& info) {
  return info.version.empty() ? info.name : info.name + " " + info.version;
}

}  // namespace

/// A pooled connection that tells its pool what its server does unasked.
struct ConnectionPool::Member final : PooledConnection,
                                      io::McpTransport::CloseObserver,
                                      io::McpTransport::MessageObserver {
  explicit Member(ConnectionPool& owner) noexcept : pool(owner) {}
  void on_transport_closed(const Error& why) override { pool.on_member_closed(*this, why); }
  void on_notification(std::string_view method, std::string_view params) override {
    if (pool.observer_ != nullptr) pool.observer_->on_server_notification(*this, method, params);
  }
  void on_junk_line(std::string_view) override {}  // Counted by the transport.
  ConnectionPool& pool;
};

/// One identity: the connection, or those who wait for it to be opened.
struct ConnectionPool::Entry {
  struct Waiter : ListNode {
    explicit Waiter(EventLoop& loop) noexcept : shot(loop) {}
    io::OneShot<Lease> shot;
  };

  explicit Entry(std::string id) : identity(std::move(id)) {}
  std::string identity;
  std::shared_ptr<Member> member;
  bool is_open = false;
  IntrusiveList<Waiter> waiters;
};

Lease::Lease(ConnectionPool& pool, std::shared_ptr<PooledConnection> connection) noexcept
    : pool_(&pool), connection_(std::move(connection)) {
  ++connection_->leases;
}

void Lease::give_back() noexcept {
  if (pool_ == nullptr) return;
  std::exchange(pool_, nullptr)->give_back(*connection_);
  connection_ = nullptr;
}

ConnectionPool::ConnectionPool(EventLoop& loop, TransportFactory& factory, PoolOptions options)
    : loop_(loop), factory_(factory), options_(options), work_(loop), idle_timer_(*this) {}

ConnectionPool::~ConnectionPool() { MCPWIRE_CHECK(active_count() == 0); }

bool ConnectionPool::is_connection_healthy(const PooledConnection& connection) noexcept {
  return connection.transport->is_open();
}

Lease ConnectionPool::try_get(const std::string& identity) {
  const auto found = entries_.find(identity);
  if (found == entries_.end() || !found->second->is_open) return {};
  if (!is_connection_healthy(*found->second->member)) return {};
  return lease(found->second->member);
}

io::task<Result<Lease>> ConnectionPool::get(ServerSpec spec, io::CancelScope& scope) {
  if (is_shut_) co_return fail(ErrorKind::kCancelled, ErrorCode::kShuttingDown);
  Lease warm = try_get(spec.identity);
  if (warm) co_return std::move(warm);
  const std::shared_ptr<Entry> entry = ensure_entry(spec.identity);
  const bool is_new = entry->member == nullptr;
  Entry::Waiter waiter(loop_);
  // Before the creation begins: it may end at once.
  entry->waiters.push_back(waiter);
  if (is_new) work_.spawn(open(entry, std::move(spec)));
  Result<Lease> opened = co_await waiter.shot.wait(scope);
  co_return std::move(opened);
}

Lease ConnectionPool::lease(const std::shared_ptr<PooledConnection>& connection) {
  connection->last_used_ns = loop_.now_ns();
  return Lease(*this, connection);
}

void ConnectionPool::give_back(PooledConnection& connection) noexcept {
  MCPWIRE_CHECK(connection.leases > 0);
  --connection.leases;
  connection.last_used_ns = loop_.now_ns();
  if (connection.leases != 0) return;
  if (connection.unused != nullptr) connection.unused->resolve({});
  arm_idle_timer();
}

std::shared_ptr<ConnectionPool::Entry> ConnectionPool::ensure_entry(const std::string& identity) {
  const auto found = entries_.find(identity);
  if (found != entries_.end()) {
    if (!found->second->is_open || is_connection_healthy(*found->second->member)) {
      return found->second;
    }
    // Its server is just ending and on_member_closed() not called yet: a fresh one takes over.
    remove(identity);
  }
  auto entry = std::make_shared<Entry>(identity);
  entries_.emplace(identity, entry);
  return entry;
}

io::task<Result<void>> ConnectionPool::open(std::shared_ptr<Entry> entry, ServerSpec spec) {
  auto member = std::make_shared<Member>(*this);
  member->transport = factory_.create_transport_for_server(spec);
  member->transport->observe_close(*member);
  member->transport->observe_messages(*member);
  member->server_name = spec.name;
  member->identity = spec.identity;
  member->created_at_ns = loop_.now_ns();
  entry->member = member;
  const Result<void> opened =
      co_await member->transport->open(work_.cancel_scope(), loop_.now_ns() + spec.open_timeout_ns);
  if (opened.has_value() && !is_connection_healthy(*member)) {
    finish_open(*entry, fail(ErrorKind::kDisconnected, ErrorCode::kServerExited));
  } else {
    finish_open(*entry, opened);
  }
  co_return Result<void>{};
}

void ConnectionPool::finish_open(Entry& entry, const Result<void>& opened) {
  const auto current = entries_.find(entry.identity);
  const bool is_current = current != entries_.end() && current->second.get() == &entry;
  if (opened.has_value()) {
    entry.is_open = true;
    last_failures_.erase(entry.identity);
  } else {
    note_failure(entry.identity, opened.error());
  }
  while (Entry::Waiter* waiter = entry.waiters.pop_front()) {
    if (waiter->shot.is_resolved()) continue;
    if (opened.has_value()) {
      waiter->shot.resolve(lease(entry.member));
    } else {
      waiter->shot.resolve(fail(opened.error()));
    }
  }
  if (opened.has_value() && is_current && !is_shut_) {
    entry.member->last_used_ns = loop_.now_ns();
    arm_idle_timer();
    return;
  }
  // Failed, or removed meanwhile: nobody new gets it.
  std::shared_ptr<Member> member = std::move(entry.member);
  if (is_current) {
    entries_.erase(current);
  } else {
    --closing_count_;  // Counted by remove(), and by dispose() from here on.
  }
  dispose(std::move(member));
}

void ConnectionPool::on_member_closed(Member& member, const Error& why) {
  if (observer_ != nullptr) observer_->on_server_lost(member);
  const auto found = entries_.find(member.identity);
  if (found == entries_.end() || found->second->member.get() != &member) return;
  note_failure(member.identity, why);
  while (EndObserver* observer = member.end_observers.pop_front()) {
    observer->on_connection_ended(why);
  }
  // While it is being opened, open() itself reports the failure.
  if (!found->second->is_open) return;
  std::shared_ptr<Member> closed = found->second->member;
  entries_.erase(found);
  dispose(std::move(closed));
}

void ConnectionPool::remove(const std::string& identity) {
  const auto found = entries_.find(identity);
  if (found == entries_.end()) return;
  const std::shared_ptr<Entry> entry = found->second;
  entries_.erase(found);
  if (entry->is_open) {
    dispose(entry->member);
  } else {
    ++closing_count_;  // finish_open() disposes of it.
  }
}

void ConnectionPool::remove_if_current(const PooledConnection& connection) {
  const auto found = entries_.find(connection.identity);
  if (found != entries_.end() && found->second->member.get() == &connection) {
    remove(connection.identity);
  }
}

void ConnectionPool::dispose(std::shared_ptr<PooledConnection> connection) {
  ++closing_count_;
  work_.spawn(close_when_unused(std::move(connection)));
}

io::task<Result<void>> ConnectionPool::close_when_unused(
    std::shared_ptr<PooledConnection> connection) {
  // Out of the callback that may have led here: a transport is not closed from inside itself.
  const Result<void> yielded =
      co_await io::sleep_until(loop_, work_.cancel_scope(), loop_.now_ns());
  if (yielded.has_value() && connection->leases > 0) {
    io::OneShot<void> unused(loop_);
    connection->unused = &unused;
    // A shutdown does not wait for users; the transport resolves their requests.
    [[maybe_unused]] const Result<void> waited = co_await unused.wait(work_.cancel_scope());
    connection->unused = nullptr;
  }
  co_await connection->transport->close();
  --closing_count_;
  report_if_empty();
  co_return Result<void>{};
}

io::task<void> ConnectionPool::clear() {
  is_shut_ = true;
  work_.cancel_scope().cancel(io::CancelCause::kShutdown);
  std::vector<std::string> identities;
  for (const auto& [identity, entry] : entries_) identities.push_back(identity);
  for (const std::string& identity : identities) remove(identity);
  const Result<void> joined = co_await work_.join();
  MCPWIRE_CHECK(joined.has_value());
}

void ConnectionPool::note_failure(const std::string& identity, const Error& error) {
  if (last_failures_.size() >= kFailuresKeptMax) last_failures_.clear();
  last_failures_[identity] = error.message();
}

ServerSnapshot ConnectionPool::snapshot(const std::string& identity) const {
  ServerSnapshot snapshot;
  const auto found = entries_.find(identity);
  if (found != entries_.end()) {
    const Entry& entry = *found->second;
    snapshot.state =
        entry.is_open ? protocol::ServerState::kReady : protocol::ServerState::kStarting;
    if (entry.member != nullptr) {
      snapshot.process_id = entry.member->transport->process_id();
      snapshot.calls = entry.member->calls;
      if (entry.is_open) snapshot.detail = describe(entry.member->transport->server_info());
    }
    return snapshot;
  }
  const auto failure = last_failures_.find(identity);
  if (failure != last_failures_.end()) {
    snapshot.state = protocol::ServerState::kFailed;
    snapshot.detail = failure->second;
  }
  return snapshot;
}

void ConnectionPool::stop_idle() {
  std::vector<std::string> idle;
  for (const auto& [identity, entry] : entries_) {
    if (!entry->is_open || entry->member->leases > 0) continue;
    if (entry->member->last_used_ns + options_.idle_stop_ns <= loop_.now_ns()) {
      idle.push_back(identity);
    }
  }
  for (const std::string& identity : idle) remove(identity);
  arm_idle_timer();
}

void ConnectionPool::arm_idle_timer() {
  // Armed for the earliest candidate and left alone when that one is used meanwhile: the timer
  // then finds nothing to stop and arms itself again. Calls pay nothing for it.
  if (is_shut_ || idle_timer_.is_armed()) return;
  std::uint64_t earliest_ns = kNever;
  for (const auto& [identity, entry] : entries_) {
    if (!entry->is_open || entry->member->leases > 0) continue;
    earliest_ns = std::min(earliest_ns, entry->member->last_used_ns + options_.idle_stop_ns);
  }
  if (earliest_ns != kNever) loop_.arm(idle_timer_, earliest_ns);
}

void ConnectionPool::report_if_empty() {
  if (active_count() == 0 && on_empty_) on_empty_();
}

}  // namespace mcpwire::pool
