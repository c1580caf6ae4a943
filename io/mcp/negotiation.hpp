// SPDX-License-Identifier: MIT
//
// Negotiation: finds out in which era a server on a pipe speaks, and begins the conversation.
//
//   `server/discover` in place -> a modern answer             -> modern
//                              -> any other answer            -> `initialize` on the same pipe
//                              -> exit, end of output, silence -> a fresh process, `initialize`
//
// Silence counts only once the probe has been read: what lies in the pipe was not asked yet.
//
// Real servers do all of it: some exit on whatever comes before `initialize`, some say nothing. So
// no single error code decides, and a process that was silent is not trusted with a second
// question. One that answers the probe and then exits, or refuses `initialize`, gets a fresh
// process as well. What was found out is remembered (EraVerdicts); what turns out wrong is
// forgotten and probed.
//
// Threading: the loop's thread.
// Invariants: at most two processes are started, one after the other, within the one deadline.
#pragma once

#include "io/cancel.hpp"
#include "io/mcp/era_verdicts.hpp"
#include "io/mcp/handshake.hpp"
#include "io/mcp_transport.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/json/value.hpp"
#include "protocol/mcp/revision.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::io {

struct NegotiationOptions {
  /// This revision and no other.
  std::optional<protocol::mcp::Revision> pinned_revision;
  /// This era and no other; where both are pinned they must agree.
  std::optional<protocol::mcp::Era> pinned_era;
  /// How long a server that has read the probe may be silent on it. One that has not read it is
  /// still starting (a first run that downloads), and is waited for.
  std::uint64_t probe_timeout_ns = 5 * kNanosecondsPerSecond;
  EraVerdicts* verdicts = nullptr;  ///< Null: nothing is remembered.
  std::string identity;             ///< Of the server, for `verdicts`.
};

/// What a negotiation needs of a transport.
class NegotiationPeer {
 public:
  /// One request of the handshake; never taken back from the server.
  virtual task<RpcReply> ask(std::string method, std::string params, CancelScope& scope,
                             std::uint64_t deadline_ns) = 0;
  /// True while the server can be asked.
  virtual bool is_alive() const noexcept = 0;
  /// True if the server has yet to read some of what it was asked, as far as that can be told.
  virtual bool has_unread() const noexcept { return false; }
  /// Ends the process that there is and starts another.
  virtual task<Result<void>> restart() = 0;
  /// `text` holds words of the server: without secrets, as part of a message.
  virtual std::string shown(std::string_view text) const = 0;
  /// `text` and the last words of the server.
  virtual std::string with_last_words(std::string text) const = 0;

 protected:
  ~NegotiationPeer() = default;
};

class Negotiation {
 public:
  /// Everything given outlives the negotiation.
  Negotiation(EventLoop& loop, protocol::json::ValueReader& reader, NegotiationPeer& peer,
              const NegotiationOptions& options) noexcept
      : loop_(loop), reader_(reader), peer_(peer), options_(options) {}

  /// Ends with what the server says of itself. In a legacy conversation `notifications/initialized`
  /// is still to be sent. Errors: kHandshakeFailed, kServerExited, or those of `scope`.
  task<Result<ServerInfo>> run(CancelScope& scope, std::uint64_t deadline_ns);

 private:
  enum class ProbeEnd : std::uint8_t { kModern, kLegacy, kGone, kSilent, kFailed };
  struct Probe {
    ProbeEnd end = ProbeEnd::kFailed;
    ServerInfo info;  ///< kModern.
    Error why;        ///< Every other end.
  };

  std::optional<protocol::mcp::Era> pinned_era() const noexcept;
  protocol::mcp::Revision offered(protocol::mcp::Era era) const noexcept;
  std::uint64_t patience_ns(std::optional<protocol::mcp::Era> remembered) const noexcept;

  task<Result<ServerInfo>> begin_remembered_legacy();
  task<Result<ServerInfo>> fall_back(ProbeEnd end);
  task<Result<ServerInfo>> initialize();
  /// `patience_ns`: for its silence; kNever: until the deadline.
  task<Probe> probe(std::uint64_t patience_ns);
  task<Probe> probe_in(protocol::mcp::Revision revision, std::uint64_t patience_ns);
  Probe judge(const RpcReply& reply, ProbeEnd unanswered) const;
  Probe judge_failure(const RpcReply& reply, ProbeEnd unanswered) const;
  std::string legacy_answer_text(const RpcReply& reply) const;
  Error initialize_error(const RpcReply& reply) const;

  void remember(protocol::mcp::Era era);
  void forget();

  EventLoop& loop_;
  protocol::json::ValueReader& reader_;
  NegotiationPeer& peer_;
  const NegotiationOptions& options_;
  CancelScope* scope_ = nullptr;  ///< Since run(), as the next.
  std::uint64_t deadline_ns_ = kNever;
};

}  // namespace mcpwire::io
