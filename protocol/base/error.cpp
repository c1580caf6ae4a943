// SPDX-License-Identifier: MIT
#include "protocol/base/error.hpp"

#include <array>
#include <cstring>

namespace mcpwire {
namespace {

constexpr std::array<std::string_view, 34> kErrorTexts = {
    "unspecified error",
    "system call failed",
    "connection closed",
    "protocol violation",
    "no common protocol version",
    "too large",
    "malformed JSON",
    "arguments must be a JSON object",
    "unknown server",
    "unknown tool",
    "unknown method",
    "configuration not found",
    "configuration not readable",
    "configuration can be changed by other users",
    "configuration is not valid",
    "configuration is not approved",
    "command not found",
    "server could not be started",
    "server exited",
    "server did not complete initialize",
    "runtime directory is not safe to use",
    "runtime path is too long for a socket address",
    "daemon could not be started",
    "daemon cannot be reached",
    "peer belongs to another user",
    "deadline exceeded",
    "cancelled by the caller",
    "shutting down",
    "queue is full",
    "out of memory",
    "given up because a sibling failed",
    "the server answered with an error",
    "no shared memory",
    "the server wants authorization",
};

constexpr std::array<std::string_view, 10> kKindNames = {
    "none",          "invalid",     "overloaded", "disconnected", "not_found",
    "configuration", "unsupported", "timeout",    "cancelled",    "internal",
};

}  // namespace

std::string_view error_text(ErrorCode code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < kErrorTexts.size() ? kErrorTexts[index] : kErrorTexts[0];
}

std::string_view error_kind_name(ErrorKind kind) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return index < kKindNames.size() ? kKindNames[index] : kKindNames.back();
}

Error Error::from_errno(ErrorKind kind, int os_errno, std::string_view call,
                        std::source_location where) {
  Error error{kind, ErrorCode::kSystemCall, os_errno, where, nullptr};
  if (!call.empty()) error.detail = std::make_shared<const std::string>(call);
  return error;
}

std::string Error::message() const {
  std::string text(detail ? std::string_view(*detail) : error_text(code));
  if (os_errno != 0) {
    std::array<char, 128> buffer{};
    text += ": ";
    text += strerror_r(os_errno, buffer.data(), buffer.size());
  }
  return text;
}

}  // namespace mcpwire
