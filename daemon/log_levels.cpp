// SPDX-License-Identifier: MIT
#include "daemon/log_levels.hpp"

#include "protocol/base/check.hpp"
#include "protocol/json/string_token.hpp"
#include "protocol/mcp/method.hpp"
#include "protocol/mcp/revision.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

namespace mcpwire::daemon {
namespace {

namespace json = protocol::json;
namespace mcp = protocol::mcp;
using protocol::Outcome;

/// What nobody asked for is taken to be this: the usual default of servers.
constexpr mcp::LogLevel kUnasked = mcp::LogLevel::kInfo;
/// A server's word on a level that nobody waits for.
constexpr std::uint64_t kAskNs = 5 * kNanosecondsPerSecond;

std::string level_params(mcp::LogLevel level) {
  return R"({"level":")" + std::string(mcp::name_of(level)) + "\"}";
}

bool has_levels(const pool::PooledConnection& connection) {
  const mcp::MethodFacts* const method = mcp::find_method(mcp::kSetLevel);
  return method->to_server.contains(connection.transport->server_info().revision);
}

}  // namespace

std::optional<mcp::LogLevel> read_log_level(json::ValueReader& reader, std::string_view params) {
  static constexpr std::array<std::string_view, 1> kNames = {"level"};
  std::array<std::string_view, 1> values;
  if (params.empty() || !reader.extract_fields(params, kNames, values).has_value()) return {};
  const Result<std::string> name = json::decode_string(values[0]);
  return name.has_value() ? mcp::find_log_level(*name) : std::nullopt;
}

LogLevels::LogLevels(EventLoop& loop, pool::ConnectionPool& pool)
    : loop_(loop), pool_(pool), work_(loop) {}

mcp::LogLevel LogLevels::most_verbose(const Wishes& wishes) noexcept {
  Level result = Level::kEmergency;
  for (const auto& [client, level] : wishes) result = std::min(result, level);
  return result;
}

io::task<io::RpcReply> LogLevels::set(Client client, pool::Lease& lease, Level level,
                                      io::RequestOptions options) {
  pool::PooledConnection& connection = lease.connection();
  const std::string identity = connection.identity;
  const auto known = wishes_.find(identity);
  std::optional<Level> before;
  if (known != wishes_.end() && known->second.contains(client)) before = known->second.at(client);
  wishes_[identity][client] = level;
  const Level wanted = most_verbose(wishes_[identity]);
  if (connection.log_level == wanted) co_return io::RpcReply{Outcome::kOk, {"{}"}, {}, false};
  // Before the answer: who comes meanwhile need not ask again, and is asked for behind this.
  const std::optional<Level> asked_before = std::exchange(connection.log_level, wanted);
  const std::string params = level_params(wanted);
  io::RpcReply reply = co_await lease.transport().request(mcp::kSetLevel, params, options);
  if (reply.outcome == Outcome::kOk) co_return std::move(reply);
  if (connection.log_level == wanted) {
    connection.log_level = reply.outcome == Outcome::kPeerError ? asked_before : std::nullopt;
  }
  Wishes& wishes = wishes_[identity];
  if (before.has_value()) {
    wishes[client] = *before;
  } else {
    wishes.erase(client);
    if (wishes.empty()) wishes_.erase(identity);
  }
  co_return std::move(reply);
}

void LogLevels::forget(Client client) {
  std::vector<std::string> changed;
  for (auto& [identity, wishes] : wishes_) {
    if (wishes.erase(client) > 0) changed.push_back(identity);
  }
  for (const std::string& identity : changed) {
    const auto found = wishes_.find(identity);
    const Level wanted = found->second.empty() ? kUnasked : most_verbose(found->second);
    if (found->second.empty()) wishes_.erase(found);
    adjust(identity, wanted);
  }
}

bool LogLevels::wants(Client client, std::string_view identity, std::string_view params) {
  const auto found = wishes_.find(identity);
  if (found == wishes_.end()) return true;
  const auto wish = found->second.find(client);
  const Level least = wish == found->second.end() ? kUnasked : wish->second;
  const std::optional<Level> level = read_log_level(reader_, params);
  return !level.has_value() || *level >= least;
}

void LogLevels::ensure_asked(pool::PooledConnection& connection) {
  const auto found = wishes_.find(connection.identity);
  if (found != wishes_.end()) adjust(connection.identity, most_verbose(found->second));
}

void LogLevels::adjust(const std::string& identity, Level wanted) {
  if (is_stopped_) return;
  pool::Lease lease = pool_.try_get(identity);
  if (!lease || lease.connection().log_level == wanted || !has_levels(lease.connection())) return;
  lease.connection().log_level = wanted;
  work_.spawn(ask(std::move(lease), wanted));
}

io::task<Result<void>> LogLevels::ask(pool::Lease lease, Level wanted) {
  const std::string params = level_params(wanted);
  const io::RequestOptions options{.scope = &work_.cancel_scope(),
                                   .deadline_ns = loop_.now_ns() + kAskNs};
  // A server that refuses is not asked again before something else is wanted.
  static_cast<void>(co_await lease.transport().request(mcp::kSetLevel, params, options));
  co_return Result<void>{};
}

io::task<void> LogLevels::stop() {
  is_stopped_ = true;
  work_.cancel_scope().cancel(io::CancelCause::kShutdown);
  const Result<void> joined = co_await work_.join();
  MCPWIRE_CHECK(joined.has_value());  // asking does not fail
}

}  // namespace mcpwire::daemon
