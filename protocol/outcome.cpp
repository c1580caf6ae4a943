// SPDX-License-Identifier: MIT
#include "protocol/outcome.hpp"

#include <array>

namespace mcpwire::protocol {

std::string_view outcome_name(Outcome outcome) noexcept {
  static constexpr std::array<std::string_view, kOutcomeMax + 1> kNames = {
      "none", "ok", "peer_error", "not_sent", "rejected", "cancelled", "unknown"};
  const auto index = static_cast<std::size_t>(outcome);
  return index < kNames.size() ? kNames[index] : kNames[0];
}

ExitCode exit_code_of(Outcome outcome, const Error& error) noexcept {
  switch (outcome) {
    case Outcome::kOk:
      return ExitCode::kOk;
    case Outcome::kPeerError:
      return ExitCode::kPeerError;
    case Outcome::kCancelled:
      return ExitCode::kCancelled;
    case Outcome::kUnknown:
      return ExitCode::kUnknown;
    case Outcome::kNotSent:
    case Outcome::kRejected:
    case Outcome::kNone:
      break;
  }
  if (error.code == ErrorCode::kAuthorization) return ExitCode::kAuthorization;
  const bool for_the_user_to_correct = error.kind == ErrorKind::kConfiguration ||
                                       error.kind == ErrorKind::kNotFound ||
                                       error.kind == ErrorKind::kInvalid;
  return for_the_user_to_correct ? ExitCode::kUsage : ExitCode::kNotSent;
}

}  // namespace mcpwire::protocol
