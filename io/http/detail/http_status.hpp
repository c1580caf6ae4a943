// SPDX-License-Identifier: MIT
//
// What an HTTP status means for the call that got it, where no JSON-RPC answer came with it.
//
// Threading: pure functions.
#pragma once

#include "io/http/http_client.hpp"
#include "protocol/base/error.hpp"
#include "protocol/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcpwire::io::detail {

struct HttpPeer;
class HttpCall;

inline constexpr int kHttpOk = 200;
inline constexpr int kHttpAccepted = 202;
inline constexpr int kHttpRedirect = 300;
inline constexpr int kHttpRefused = 400;
inline constexpr int kHttpNotFound = 404;
inline constexpr int kHttpMethodNotAllowed = 405;
inline constexpr int kHttpFailed = 500;

/// The JSON-RPC code with which SDKs refuse what belongs to no session that they know.
inline constexpr std::int64_t kSdkRefusal = -32000;

struct HttpVerdict {
  protocol::Outcome outcome = protocol::Outcome::kUnknown;
  Error error;
};

/// Of a status that is no success. kRejected: the server refused and did not run it (3xx, 4xx).
/// kUnknown: 5xx, also 503: a proxy says so, too, when its server dies in the middle of a request.
HttpVerdict verdict_of(const HttpPeer& peer, const HttpHead& head);

/// 401 or 403: the server wants authorization; 407: a proxy does.
bool wants_authorization(int status) noexcept;
/// What is to be configured. `said`: what the server said to it, or nothing.
Error authorization_error(const HttpPeer& peer, int status, std::string_view said = {});

/// Whether a refusal means that the session is gone: 404 to a request that named one, or 400 with
/// the SDK's -32000 and a text that speaks of the session.
bool is_session_lost(const HttpPeer& peer, const HttpCall& call, std::int64_t code,
                     std::string_view text);

Error broken_off();
/// `fault`: why what came could not be read; empty: nothing came that looked like one.
Error no_answer(int status, std::string_view fault = {});
Error resume_refused(int status);
Error no_stream(int status);
Error message_too_large(std::size_t bytes_max);

}  // namespace mcpwire::io::detail
