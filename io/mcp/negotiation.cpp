// SPDX-License-Identifier: MIT
#include "io/mcp/negotiation.hpp"

#include "protocol/mcp/method.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::io {

namespace mcp = protocol::mcp;
using mcp::Era;
using protocol::Outcome;

namespace {

Error handshake_error(ErrorKind kind, std::string text) {
  return Error::with_detail(kind, ErrorCode::kHandshakeFailed, std::move(text));
}

/// The server lives and would not begin: what it was asked in may have been the wrong era.
bool was_refused(const Error& why) noexcept {
  return why.code == ErrorCode::kHandshakeFailed && why.kind != ErrorKind::kTimeout;
}

/// A server that was probed may have taken that ill: it exits behind its answer, or refuses
/// everything from then on. One that speaks an unknown revision would only say so again.
bool may_be_spoilt(const Error& why) noexcept {
  return why.kind == ErrorKind::kDisconnected ||
         (was_refused(why) && why.kind == ErrorKind::kInvalid);
}

/// Gives the probe up when the server has been silent for so long since it was last seen not to
/// have read it.
class SilenceTimer final : private Timer {
 public:
  SilenceTimer(EventLoop& loop, const NegotiationPeer& peer, CancelScope& probe,
               std::uint64_t patience_ns)
      : loop_(loop), peer_(peer), probe_(probe), patience_ns_(patience_ns) {
    arm();
  }
  bool has_struck() const noexcept { return has_struck_; }

 private:
  void arm() {
    if (patience_ns_ != kNever) loop_.arm(*this, loop_.now_ns() + patience_ns_);
  }
  void on_timer() override {
    if (peer_.has_unread()) return arm();
    has_struck_ = true;
    probe_.cancel(CancelCause::kDeadline);
  }

  EventLoop& loop_;
  const NegotiationPeer& peer_;
  CancelScope& probe_;
  std::uint64_t patience_ns_;
  bool has_struck_ = false;
};

}  // namespace

// --- What to try -----------------------------------------------------------------------------

std::optional<Era> Negotiation::pinned_era() const noexcept {
  if (options_.pinned_revision.has_value()) return mcp::facts_of(*options_.pinned_revision).era;
  return options_.pinned_era;
}

mcp::Revision Negotiation::offered(Era era) const noexcept {
  const bool is_pinned =
      options_.pinned_revision.has_value() && mcp::facts_of(*options_.pinned_revision).era == era;
  if (is_pinned) return *options_.pinned_revision;
  return era == Era::kModern ? mcp::kNewestRevision : mcp::kNewestLegacyRevision;
}

/// At most half of the time there is, so that a silent server can still be asked in the other era.
/// One that is known to be modern may take all of that half: its silence means that it starts
/// slowly, and starting it again would not help.
std::uint64_t Negotiation::patience_ns(std::optional<Era> remembered) const noexcept {
  if (pinned_era() == Era::kModern) return kNever;
  const std::uint64_t now_ns = loop_.now_ns();
  if (deadline_ns_ == kNever) return options_.probe_timeout_ns;
  const std::uint64_t half_ns = deadline_ns_ > now_ns ? (deadline_ns_ - now_ns) / 2 : 0;
  const bool has_patience = remembered == Era::kModern;
  return has_patience ? half_ns : std::min(half_ns, options_.probe_timeout_ns);
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
task<Result<ServerInfo>> Negotiation::run(CancelScope& scope, std::uint64_t deadline_ns) {
  scope_ = &scope;
  deadline_ns_ = deadline_ns;
  if (pinned_era() == Era::kLegacy) {
    Result<ServerInfo> begun = co_await initialize();
    co_return begun;
  }
  std::optional<Era> remembered;
  if (!pinned_era().has_value() && options_.verdicts != nullptr) {
    const std::optional<EraVerdict> verdict = options_.verdicts->find(options_.identity);
    if (verdict.has_value()) remembered = verdict->era;
  }
  if (remembered == Era::kLegacy) {
    Result<ServerInfo> begun = co_await begin_remembered_legacy();
    co_return begun;
  }
  Probe first = co_await probe(patience_ns(remembered));
  if (first.end == ProbeEnd::kModern) {
    if (remembered != Era::kModern) remember(Era::kModern);
    co_return std::move(first.info);
  }
  if (first.end == ProbeEnd::kFailed || pinned_era() == Era::kModern) co_return fail(first.why);
  if (remembered.has_value()) forget();
  Result<ServerInfo> begun = co_await fall_back(first.end);
  co_return begun;
}

/// Its age is left as it is: a success proves nothing about the modern era.
task<Result<ServerInfo>> Negotiation::begin_remembered_legacy() {
  Result<ServerInfo> begun = co_await initialize();
  if (begun.has_value() || scope_->is_cancelled()) co_return begun;
  forget();
  const bool is_gone = !peer_.is_alive();
  if (!is_gone && !was_refused(begun.error())) co_return begun;
  if (is_gone) {
    const Result<void> restarted = co_await peer_.restart();
    if (!restarted.has_value()) co_return fail(restarted.error());
  }
  Probe again = co_await probe(patience_ns({}));
  if (again.end != ProbeEnd::kModern) co_return begun;
  remember(Era::kModern);
  co_return std::move(again.info);
}

/// After a probe that no modern server answered.
task<Result<ServerInfo>> Negotiation::fall_back(ProbeEnd end) {
  const bool was_silent = end == ProbeEnd::kSilent;
  const std::uint64_t began_ns = loop_.now_ns();
  Result<ServerInfo> begun = fail(ErrorKind::kDisconnected, ErrorCode::kServerExited);
  if (!was_silent && peer_.is_alive()) {
    begun = co_await initialize();
    if (!begun.has_value() && !may_be_spoilt(begun.error())) co_return begun;
  }
  if (!begun.has_value()) {
    const Result<void> restarted = co_await peer_.restart();
    if (!restarted.has_value()) co_return fail(restarted.error());
    begun = co_await initialize();
  }
  if (begun.has_value()) {
    // A server that took as long to begin was slow, not silent: the probe has proved nothing, and
    // the next start asks again.
    const bool is_proved = !was_silent || loop_.now_ns() - began_ns < options_.probe_timeout_ns;
    if (is_proved) remember(Era::kLegacy);
    co_return begun;
  }
  // One that needs longer than half of its time to start is begun with all of it the next time.
  if (was_silent && begun.error().kind == ErrorKind::kTimeout) remember(Era::kLegacy);
  const bool may_be_modern = was_silent && peer_.is_alive() && was_refused(begun.error());
  if (!may_be_modern) co_return begun;
  Probe again = co_await probe(kNever);
  if (again.end != ProbeEnd::kModern) co_return begun;
  remember(Era::kModern);
  co_return std::move(again.info);
}

void Negotiation::remember(Era era) {
  if (options_.verdicts != nullptr) options_.verdicts->keep(options_.identity, {.era = era});
}

void Negotiation::forget() {
  if (options_.verdicts != nullptr) options_.verdicts->forget(options_.identity);
}

// --- Modern ----------------------------------------------------------------------------------

task<Negotiation::Probe> Negotiation::probe(std::uint64_t patience_ns) {
  const mcp::Revision wanted = offered(Era::kModern);
  Probe first = co_await probe_in(wanted, patience_ns);
  const bool asks_for_other = first.end == ProbeEnd::kFailed && mcp::is_modern(first.info.revision);
  if (!asks_for_other) co_return first;
  const bool is_forbidden =
      options_.pinned_revision.has_value() && first.info.revision != *options_.pinned_revision;
  if (is_forbidden) co_return first;
  Probe second = co_await probe_in(first.info.revision, patience_ns);
  co_return second;
}

/// A kFailed end with a modern revision in `info` asks for that revision.
task<Negotiation::Probe> Negotiation::probe_in(mcp::Revision revision, std::uint64_t patience_ns) {
  std::string method(mcp::kDiscover);
  std::string params = discover_params(revision);
  CancelScope asking(*scope_);
  const SilenceTimer silence(loop_, peer_, asking, patience_ns);
  const RpcReply reply =
      co_await peer_.ask(std::move(method), std::move(params), asking, deadline_ns_);
  co_return judge(reply, silence.has_struck() ? ProbeEnd::kSilent : ProbeEnd::kFailed);
}

/// What it means that there is no answer.
Negotiation::Probe Negotiation::judge_failure(const RpcReply& reply, ProbeEnd unanswered) const {
  Probe probe;
  probe.why = reply.error;
  if (scope_->is_cancelled()) return probe;
  if (reply.error.kind == ErrorKind::kDisconnected) {
    probe.end = ProbeEnd::kGone;
  } else if (reply.error.code != ErrorCode::kDeadlineExceeded) {
    // It answered something that nobody can read; if that did not end the connection, it may still
    // know the other era.
    probe.end = peer_.is_alive() ? ProbeEnd::kLegacy : ProbeEnd::kFailed;
  } else {
    probe.end = unanswered;
    probe.why =
        handshake_error(ErrorKind::kTimeout,
                        peer_.with_last_words("the server did not answer server/discover in time"));
  }
  return probe;
}

Negotiation::Probe Negotiation::judge(const RpcReply& reply, ProbeEnd unanswered) const {
  if (reply.outcome != Outcome::kOk && reply.outcome != Outcome::kPeerError) {
    return judge_failure(reply, unanswered);
  }
  Probe probe;
  ProbeVerdict verdict = judge_probe(reader_, reply);
  switch (verdict.kind) {
    case ProbeVerdict::Kind::kModern:
      probe.end = ProbeEnd::kModern;
      probe.info = std::move(verdict.info);
      break;
    case ProbeVerdict::Kind::kOtherModern:
      probe.info.revision = verdict.revision;
      probe.why = handshake_error(ErrorKind::kInvalid,
                                  "the server refused MCP revision " +
                                      std::string(mcp::facts_of(offered(Era::kModern)).name) +
                                      " and asked for another");
      break;
    case ProbeVerdict::Kind::kUnspoken:
      probe.why = handshake_error(ErrorKind::kUnsupported, peer_.shown(verdict.why));
      break;
    case ProbeVerdict::Kind::kLegacy:
      probe.end = ProbeEnd::kLegacy;
      probe.why = handshake_error(ErrorKind::kInvalid, legacy_answer_text(reply));
      break;
  }
  return probe;
}

/// Only a server whose era is pinned is told of by it.
std::string Negotiation::legacy_answer_text(const RpcReply& reply) const {
  if (reply.outcome == Outcome::kOk) {
    return "the server's answer to server/discover is not that of a modern server";
  }
  return "the server refused server/discover: " + peer_.shown(read_error_text(reader_, reply.body));
}

// --- Legacy ----------------------------------------------------------------------------------

task<Result<ServerInfo>> Negotiation::initialize() {
  const mcp::Revision wanted = offered(Era::kLegacy);
  std::string method(mcp::kInitialize);
  std::string params = initialize_params(wanted);
  const RpcReply reply =
      co_await peer_.ask(std::move(method), std::move(params), *scope_, deadline_ns_);
  if (reply.outcome != Outcome::kOk) co_return fail(initialize_error(reply));
  Result<ServerInfo> info = read_initialize_result(reader_, reply.body);
  if (!info.has_value()) {
    const Error& why = info.error();
    const std::string text = why.detail != nullptr ? *why.detail : std::string();
    co_return fail(why.kind, why.code, peer_.shown(text));
  }
  if (options_.pinned_revision.has_value() && info->revision != *options_.pinned_revision) {
    co_return fail(handshake_error(ErrorKind::kConfiguration,
                                   "the server speaks MCP revision " + info->protocol_version +
                                       "; its configuration wants " +
                                       std::string(mcp::facts_of(*options_.pinned_revision).name)));
  }
  co_return info;
}

Error Negotiation::initialize_error(const RpcReply& reply) const {
  if (reply.outcome == Outcome::kPeerError) {
    const std::string why = read_error_text(reader_, reply.body);
    return handshake_error(ErrorKind::kInvalid,
                           "the server refused initialize: " + peer_.shown(why));
  }
  if (reply.error.code == ErrorCode::kDeadlineExceeded) {
    return handshake_error(ErrorKind::kTimeout,
                           peer_.with_last_words("the server did not answer initialize in time"));
  }
  return reply.error;
}

}  // namespace mcpwire::io
