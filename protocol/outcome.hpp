// SPDX-License-Identifier: MIT
//
// Outcome: what a caller can rely on after a call. `tools/call` is not idempotent, so "it may have
// happened" is an answer of its own. Every call ends in exactly one of the six by its deadline.
// Values travel on the wire: never renumber.
#pragma once

#include "protocol/base/error.hpp"

#include <cstdint>
#include <string_view>

namespace mcpwire::protocol {

enum class Outcome : std::uint8_t {
  kNone = 0,       ///< Not a final answer.
  kOk = 1,         ///< The server answered; isError inside the result is the tool's business.
  kPeerError = 2,  ///< The server answered with a JSON-RPC error, passed through untouched.
  kNotSent = 3,    ///< Provably never handed to the server: it did not happen.
  kRejected = 4,   ///< Refused before running, by us or by the server.
  kCancelled = 5,  ///< The caller gave up; ErrorBody::sent says whether it had been sent.
  kUnknown = 6,    ///< Sent, no answer: it happened once or not at all.
};

inline constexpr std::uint8_t kOutcomeMax = static_cast<std::uint8_t>(Outcome::kUnknown);

/// e.g. "not_sent", as logs and --json show it.
std::string_view outcome_name(Outcome outcome) noexcept;

/// Process exit codes of `mcpwire`; one table for every command. Documented in README.
enum class ExitCode : std::uint8_t {
  kOk = 0,
  kUsage = 1,          ///< Usage or configuration.
  kPeerError = 2,      ///< The server answered with an error.
  kNotSent = 3,        ///< Not sent or rejected: safe to repeat.
  kAuthorization = 4,  ///< The server wants authorization.
  kToolError = 5,      ///< The tool ran and reported isError.
  kUnknown = 6,        ///< It may have happened.
  kCancelled = 7,
};

/// The exit code of a call that ended with `outcome`. Of what was never sent `error` tells what is
/// the user's to correct: credentials, and other configuration and usage faults.
ExitCode exit_code_of(Outcome outcome, const Error& error) noexcept;

}  // namespace mcpwire::protocol
