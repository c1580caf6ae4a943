// SPDX-License-Identifier: MIT
#include "io/http/detail/http_ladder.hpp"

#include "io/http/detail/http_peer.hpp"
#include "io/http/detail/http_status.hpp"

#include <optional>
#include <string>
#include <utility>

namespace mcpwire::io::detail {
namespace {

using protocol::Outcome;

LadderStep failed(Error why) { return {Rung::kFail, {}, std::move(why)}; }

bool is_json_rpc(const RpcReply& reply) noexcept {
  return reply.outcome == Outcome::kOk || reply.outcome == Outcome::kPeerError;
}

bool is_redirect(int status) noexcept { return status >= kHttpRedirect && status < kHttpRefused; }

Error handshake_failed(std::string text) {
  return Error::with_detail(ErrorKind::kInvalid, ErrorCode::kHandshakeFailed, std::move(text));
}

/// What fails however the conversation would begin. Nothing: go on.
std::optional<Error> common_failure(const HttpPeer& peer, const HttpReply& reply) {
  const bool is_final =
      wants_authorization(reply.status) || is_redirect(reply.status) || reply.status >= kHttpFailed;
  if (!is_final) return std::nullopt;
  // A JSON-RPC error in it is not what matters.
  if (is_json_rpc(reply.rpc)) return verdict_of(peer, HttpHead(reply.status, {})).error;
  return reply.rpc.error;
}

}  // namespace

LadderStep after_discover(const HttpPeer& peer, const HttpReply& reply) {
  if (std::optional<Error> failure = common_failure(peer, reply))
    return failed(*std::move(failure));
  if (is_json_rpc(reply.rpc)) {
    ProbeVerdict probe = judge_probe(peer.codec.values, reply.rpc);
    switch (probe.kind) {
      case ProbeVerdict::Kind::kModern:
        return {Rung::kModern, std::move(probe), {}};
      case ProbeVerdict::Kind::kOtherModern:
        return {Rung::kOtherModern, std::move(probe), {}};
      case ProbeVerdict::Kind::kUnspoken:
        return failed(handshake_failed(probe.why));
      case ProbeVerdict::Kind::kLegacy:
        return {Rung::kInitialize, {}, {}};
    }
  }
  // No status, or a success that broke off: the network's matter, not the server's.
  const bool broke_off = reply.rpc.error.kind != ErrorKind::kInvalid && reply.status < kHttpRefused;
  if (broke_off) return failed(reply.rpc.error);
  return {Rung::kInitialize, {}, {}};
}

LadderStep after_initialize(const HttpPeer& peer, const HttpReply& reply) {
  if (std::optional<Error> failure = common_failure(peer, reply))
    return failed(*std::move(failure));
  if (reply.rpc.outcome == Outcome::kOk) return {Rung::kLegacy, {}, {}};
  Error why = reply.rpc.error;
  if (reply.rpc.outcome == Outcome::kPeerError) {
    why = handshake_failed("the server refused initialize: " +
                           read_error_text(peer.codec.values, reply.rpc.body));
  }
  const bool may_be_older = reply.status == kHttpRefused || reply.status == kHttpNotFound ||
                            reply.status == kHttpMethodNotAllowed;
  return {may_be_older ? Rung::kEventStream : Rung::kFail, {}, std::move(why)};
}

}  // namespace mcpwire::io::detail
