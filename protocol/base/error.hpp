// SPDX-License-Identifier: MIT
//
// Error: why an operation failed, in a form the receiver can act on.
// The kind says what the receiver can do, the code names the fault, `os_errno` keeps the kernel's
// word. Text for people is attached on cold paths only (`detail`); hot paths leave it null.
//
// Threading: a value; share freely.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace mcpwire {

/// What the receiver of an error can do about it.
enum class ErrorKind : std::uint8_t {
  kInvalid = 1,  ///< The peer broke the protocol, or the caller's input is bad: drop or correct it.
  kOverloaded,   ///< A limit was reached: try again later.
  kDisconnected,   ///< The peer is gone: reconnect.
  kNotFound,       ///< The named thing does not exist.
  kConfiguration,  ///< A file or setting must be corrected by a person.
  kUnsupported,    ///< This side, the peer or the kernel cannot do it.
  kTimeout,        ///< The deadline passed.
  kCancelled,      ///< The caller, or the scope that owned the work, gave it up.
  kInternal,       ///< A bug or an exhausted machine.
};

/// Names the fault. Values travel on the wire: append only, never renumber.
enum class ErrorCode : std::uint16_t {
  kUnspecified = 0,
  kSystemCall = 1,          ///< See os_errno.
  kClosed = 2,              ///< End of stream or connection reset by its peer.
  kProtocolViolation = 3,   ///< A frame, record or handshake that the specification forbids.
  kVersionMismatch = 4,     ///< No common wire version or a required feature is missing.
  kTooLarge = 5,            ///< Over a stated limit.
  kMalformedJson = 6,       ///< Not JSON, or JSON that the envelope rules forbid.
  kArgumentsNotObject = 7,  ///< Tool arguments must be a JSON object.
  kUnknownServer = 8,
  kUnknownTool = 9,
  kUnknownMethod = 10,
  kConfigMissing = 11,
  kConfigUnreadable = 12,
  kConfigUnsafe = 13,      ///< Others may write the file or its folder.
  kConfigInvalid = 14,     ///< Parsed, but not of the documented form.
  kConfigUnapproved = 15,  ///< Found in the current folder and not yet approved.
  kCommandNotFound = 16,
  kSpawnFailed = 17,
  kServerExited = 18,        ///< The MCP server's process ended or closed its output.
  kHandshakeFailed = 19,     ///< `initialize` failed or was never answered.
  kRuntimeDirUnsafe = 20,    ///< Wrong owner, mode or type.
  kRuntimePathTooLong = 21,  ///< Over what a Unix socket address holds.
  kDaemonStartFailed = 22,
  kDaemonUnreachable = 23,
  kPeerRefused = 24,  ///< Another user's process.
  kDeadlineExceeded = 25,
  kCancelledByCaller = 26,
  kShuttingDown = 27,
  kQueueFull = 28,
  kOutOfMemory = 29,
  kSiblingFailed = 30,   ///< A scope gave up its other children after a failure.
  kPeerError = 31,       ///< The MCP server answered with a JSON-RPC error.
  kNoSharedMemory = 32,  ///< This process can make or map no memory file now; the socket serves.
  kAuthorization = 33,   ///< The server, or a proxy before it, wants other credentials, or some.
};

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  ErrorCode code = ErrorCode::kUnspecified;
  int os_errno = 0;
  std::source_location where = std::source_location::current();
  /// Text for a person: names the server, file or value concerned. Null on hot paths.
  std::shared_ptr<const std::string> detail;

  static Error of(ErrorKind kind, ErrorCode code,
                  std::source_location where = std::source_location::current()) {
    return Error{kind, code, 0, where, nullptr};
  }
  static Error with_detail(ErrorKind kind, ErrorCode code, std::string text,
                           std::source_location where = std::source_location::current()) {
    return Error{kind, code, 0, where, std::make_shared<const std::string>(std::move(text))};
  }
  /// From a failed system call; `os_errno` decides nothing but is kept and shown.
  static Error from_errno(ErrorKind kind, int os_errno, std::string_view call = {},
                          std::source_location where = std::source_location::current());

  /// One line for a person: the detail, or the code's standard text, with the errno's text behind.
  std::string message() const;
};

/// The standard text of a code, e.g. "unknown server". Never empty.
std::string_view error_text(ErrorCode code) noexcept;

/// The kind in lower case as logs and JSON show it, e.g. "not_found".
std::string_view error_kind_name(ErrorKind kind) noexcept;

}  // namespace mcpwire
