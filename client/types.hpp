// SPDX-License-Identifier: MIT
//
// What goes into a connection and what comes out of it, as plain values.
// Threading: values; share freely.
#pragma once

#include "client/body.hpp"
#include "protocol/base/error.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/outcome.hpp"
#include "protocol/params.hpp"
#include "protocol/rpc_params.hpp"
#include "telemetry/distribution.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::client {

/// A configuration file: the daemon reads it, the client only tells where it is.
struct ConfigReference {
  std::string path;  ///< Absolute.
  protocol::ConfigOrigin origin = protocol::ConfigOrigin::kExplicit;
};

enum class AutoStart : std::uint8_t { kYes, kNo };

/// Ends a wait from outside: whatever makes `fd` readable (a pipe or a signalfd). The library reads
/// (takes) one event of at most 128 bytes from it per interruption. Non-blocking if several
/// connections share it. Not owned; -1: none. One whose other end is closed is ignored.
struct InterruptSource {
  int fd = -1;
};

/// The daemon says how many of its clients may spin, and how long (ring/spin_leave.hpp).
enum class SpinLeave : std::uint8_t { kHeed, kIgnore };

/// About the price of a call that sleeps: two wake-ups across cores cost 150 to 170 us on two
/// virtual processors (PERF.md, section 8). Waiting longer than that for an unknown answer can only
/// lose. The spinner yields, and a spin in vain suspends the next ones.
inline constexpr std::uint64_t kSpinDefaultNs = 200 * kNanosecondsPerMicrosecond;

struct ConnectOptions {
  std::string runtime_directory;  ///< Empty: the one that the environment leads to.
  std::optional<ConfigReference> config;
  std::string working_directory;           ///< Absolute. Empty: the process's.
  std::string client_name;                 ///< For status and logs, e.g. "mcpwire 0.1.0".
  std::uint32_t ring_bytes = 64 * 1024;    ///< Of each ring; 0 refuses shared memory.
  std::uint64_t spin_ns = kSpinDefaultNs;  ///< Before a wait sleeps; 0: never spins.
  SpinLeave spin_leave = SpinLeave::kHeed;
  AutoStart auto_start = AutoStart::kYes;
  std::string daemon_program;  ///< Empty: mcpwired beside the own executable.
  std::uint64_t connect_timeout_ns = 10 * kNanosecondsPerSecond;  ///< The start included.
  /// How long after its deadline a call still waits for the daemon's own verdict before the client
  /// settles it alone (not_sent or unknown).
  std::uint64_t deadline_grace_ns = 250 * kNanosecondsPerMillisecond;
  /// For requests without a deadline. After this long without a word from the daemon it is asked
  /// whether it lives (kNever: it is not)...
  std::uint64_t silence_ns_max = 60 * kNanosecondsPerSecond;
  /// ... and if nothing comes for this long, the client settles the requests alone (not_sent or
  /// unknown). A busy server is no silence: the daemon answers for itself.
  std::uint64_t sign_of_life_ns_max = 30 * kNanosecondsPerSecond;
  InterruptSource interrupt;
};

/// One tools/call. The views must stay valid until the function returns.
struct CallRequest {
  std::string_view server;
  std::string_view tool;
  std::string_view arguments_json;  ///< A JSON object; empty: no arguments.
  std::uint64_t deadline_ns = 0;    ///< CLOCK_MONOTONIC; 0: the server's or the daemon's default.
  std::uint32_t priority = 0;
  std::array<std::uint64_t, 2> idempotency_key{};  ///< Zero: none.
  std::uint64_t fairness_key = 0;
  std::array<std::uint8_t, 16> trace_id{};  ///< W3C trace context; zero: none.
  std::array<std::uint8_t, 8> parent_span_id{};
  std::uint8_t trace_flags = 0;
  std::string_view meta_json;  ///< The caller's `_meta`, a JSON object; empty: none.
};

/// Any other request of MCP. The views must stay valid until the function returns.
struct McpRequest {
  std::string_view server;
  std::string_view method;
  std::string_view params_json;   ///< A JSON object; empty: none.
  std::string_view meta_json;     ///< The caller's `_meta`, a JSON object; empty: none.
  std::uint64_t deadline_ns = 0;  ///< CLOCK_MONOTONIC; 0: the server's or the daemon's default.
  protocol::Pages pages = protocol::Pages::kOne;
  std::array<std::uint8_t, 16> trace_id{};  ///< W3C trace context; zero: none.
  std::array<std::uint8_t, 8> parent_span_id{};
  std::uint8_t trace_flags = 0;
};

/// What to hear of servers unasked: that their lists changed, that resources did.
struct ListenRequest {
  std::string_view server;  ///< Empty: all of the configuration.
  bool tools = true;
  bool prompts = true;
  bool resources = true;
  std::vector<std::string_view> uris;
  std::uint64_t deadline_ns = 0;  ///< CLOCK_MONOTONIC; it then ends as `ok`. 0: none.
};

/// A server asks whoever called it: sampling, elicitation, roots. Views: during the handler only.
struct ServerQuestion {
  std::uint64_t correlation = 0;  ///< Of the call that it belongs to.
  std::uint64_t key = 0;
  std::string_view method;
  std::string_view params_json;
};

struct ServerAnswer {
  protocol::ServerAnswerKind kind = protocol::ServerAnswerKind::kRefused;
  std::string json;  ///< The result, or the error object where it failed.
};

/// What a server said unasked, during a listen or a call. Views: during the handler only.
struct Notification {
  std::uint64_t correlation = 0;
  std::string_view server;
  std::string_view method;
  std::string_view params_json;  ///< Empty: none.
};

/// How a call ended; exactly one of the six outcomes. Move-only, for its body is.
struct CallReply {
  protocol::Outcome outcome = protocol::Outcome::kNotSent;
  Body body;    ///< Raw JSON of the result (ok) or of the server's error (peer_error).
  Error error;  ///< Where the outcome is neither ok nor peer_error.
  bool may_have_been_sent = false;
};

struct ServerSummary {
  std::string name;
  std::string detail;  ///< Why it failed, or the server's own name and version.
  protocol::ServerState state = protocol::ServerState::kConfigured;
  std::int32_t process_id = 0;  ///< 0 where no process runs.
  std::uint64_t calls = 0;
};

struct ToolsSuccess {
  std::string server;
  std::string tools_json;  ///< The JSON array of the server's tools, all pages.
  std::uint64_t duration_ns = 0;
};

struct ToolsFailure {
  std::string server;
  Error error;
  std::uint64_t duration_ns = 0;
};

/// Both in configuration order.
struct ToolsListing {
  std::vector<ToolsSuccess> successes;
  std::vector<ToolsFailure> failures;
};

/// One loop of the daemon, since its start.
struct LoopStatus {
  std::uint64_t turns = 0;
  std::uint64_t system_calls = 0;  ///< What messages cost on its thread.
  std::uint64_t calls = 0;         ///< tools/call requests of its clients.
  /// How long what is ready waits behind the loop's turn at most, in nanoseconds.
  telemetry::Distribution lag;
};

struct DaemonStatus {
  std::int32_t process_id = 0;
  std::uint64_t uptime_ns = 0;
  std::uint64_t calls = 0;
  std::uint32_t clients = 0;
  std::uint32_t servers = 0;
  std::uint64_t violations = 0;
  std::uint64_t refusals = 0;  ///< Client processes that were refused more than their share.
  std::uint32_t kernel_features = 0;
  std::string version;
  std::string runtime_directory;
  protocol::LargePayloadCounters large{};
  std::uint32_t shards = 1;
  std::string io_backend;         ///< Empty from an older daemon.
  std::string warning;            ///< What the daemon does without where it runs; may be empty.
  std::vector<LoopStatus> loops;  ///< Empty from an older daemon.
};

/// What the handshake agreed on.
struct Agreement {
  std::uint32_t version = 0;
  std::uint64_t features = 0;
  std::uint64_t daemon_instance = 0;
  std::int32_t daemon_pid = 0;
  std::uint32_t ring_bytes = 0;  ///< 0: all traffic goes through the socket.
  std::string daemon_version;
  /// Why the socket serves although rings were asked for; else empty.
  std::string no_rings_because;
};

}  // namespace mcpwire::client
