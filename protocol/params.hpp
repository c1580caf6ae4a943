// SPDX-License-Identifier: MIT
//
// Parameters and results of our own methods: fixed little-endian structs, followed by byte ranges.
// Every struct begins with `struct_bytes`, the sender's sizeof: a reader takes what it knows and
// zero-fills what an older sender did not have, so structs grow at their end without a new version.
// JSON appears only as ranges that pass through unparsed.
//
// How they are built and read: protocol/payload_codec.hpp.
#pragma once

#include "protocol/base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mcpwire::protocol {

/// Bytes of the same payload. Offset from the payload's first byte.
struct ByteRange {
  std::uint32_t offset;
  std::uint32_t bytes;
};

/// Optional abilities, negotiated by intersection; a required bit the other side lacks refuses
/// the connection.
namespace feature {
inline constexpr std::uint64_t kSharedMemory = 1u << 0;  ///< Rings and mapped payloads.
inline constexpr std::uint64_t kProgress = 1u << 1;      ///< The client wants progress events.
/// The client offers new rings where the daemon has given those of an idle connection back.
inline constexpr std::uint64_t kRingRenewal = 1u << 2;
inline constexpr std::uint64_t kSlabs = 1u << 3;     ///< Memory files that stay: SlabEvent.
inline constexpr std::uint64_t kMessages = 1u << 4;  ///< protocol/rpc_params.hpp.
inline constexpr std::uint64_t kSupported =
    kSharedMemory | kProgress | kRingRenewal | kSlabs | kMessages;
}  // namespace feature

/// Where a configuration came from; only kDiscovered needs approval.
enum class ConfigOrigin : std::uint32_t {
  kNone = 0,        ///< The connection needs no servers (ping, status, shutdown).
  kExplicit = 1,    ///< -c FILE, MCPWIRE_CONFIG or the home directory.
  kDiscovered = 2,  ///< Found in the current directory.
};

/// Client to daemon, with the client's segment attached where ring_bytes is not 0.
struct HelloRequest {
  std::uint32_t struct_bytes;
  std::uint32_t version_min;
  std::uint32_t version_max;
  std::uint32_t ring_bytes;  ///< Wished size of each ring; 0 refuses shared memory.
  std::uint64_t features_required;
  std::uint64_t features_optional;
  std::uint64_t config_device;
  std::uint64_t config_inode;
  std::uint64_t config_bytes;
  std::int64_t config_modified_ns;
  std::int64_t config_changed_ns;
  ConfigOrigin config_origin;
  std::uint32_t reserved;       ///< Must be zero.
  ByteRange config_path;        ///< Absolute.
  ByteRange working_directory;  ///< The caller's, absolute.
  ByteRange environment;        ///< NAME=value, each ended by NUL: what the configuration may use.
  ByteRange client_name;        ///< For status and logs, e.g. "mcpwire 0.1.0".
};
static_assert(WireStruct<HelloRequest> && sizeof(HelloRequest) == 112);

/// Daemon to client, with the daemon's segment attached where ring_bytes is not 0.
struct HelloReply {
  std::uint32_t struct_bytes;
  std::uint32_t version;
  std::uint64_t features;
  std::uint64_t daemon_instance;  ///< Random per daemon process.
  std::int32_t daemon_pid;
  std::uint32_t ring_bytes;
  ByteRange daemon_version;
};
static_assert(WireStruct<HelloReply> && sizeof(HelloReply) == 40);

/// Daemon to client in a frame of kind error: no common ground, or no room; names what is
/// supported.
struct HelloRefusal {
  std::uint32_t struct_bytes;
  std::uint32_t version_min;
  std::uint32_t version_max;
  std::uint32_t reserved;  ///< Must be zero.
  std::uint64_t features_supported;
  ByteRange message;
  std::uint32_t error_kind;  ///< ErrorKind; 0 from an older daemon: version or features.
  std::uint32_t error_code;  ///< ErrorCode.
};
static_assert(WireStruct<HelloRefusal> && sizeof(HelloRefusal) == 40);

struct ListServersReply {
  std::uint32_t struct_bytes;
  std::uint32_t entry_bytes;  ///< sizeof(ServerEntry) of the sender.
  ByteRange entries;          ///< Array of ServerEntry.
};
static_assert(WireStruct<ListServersReply> && sizeof(ListServersReply) == 16);

enum class ServerState : std::uint32_t {
  kConfigured = 0,  ///< Not started: nobody needed it yet, or it stopped when idle.
  kStarting = 1,
  kReady = 2,
  kFailed = 3,  ///< The last start failed; `detail` says why. The next use tries again.
};

struct ServerEntry {
  ByteRange name;
  ByteRange detail;  ///< Why it failed, or the server's own name and version.
  ServerState state;
  std::int32_t process_id;  ///< 0 where no process runs.
  std::uint64_t calls;      ///< tools/call requests sent to it since it started.
};
static_assert(WireStruct<ServerEntry> && sizeof(ServerEntry) == 32);

struct ListToolsRequest {
  std::uint32_t struct_bytes;
  std::uint32_t concurrency;  ///< Servers asked at the same time; 0 takes the daemon's default.
  std::uint64_t deadline_ns;  ///< CLOCK_MONOTONIC; 0 takes the daemon's default.
  ByteRange server;           ///< Empty: all.
};
static_assert(WireStruct<ListToolsRequest> && sizeof(ListToolsRequest) == 24);

struct ListToolsReply {
  std::uint32_t struct_bytes;
  std::uint32_t success_bytes;  ///< sizeof(ToolsEntry) of the sender.
  std::uint32_t failure_bytes;  ///< sizeof(FailureEntry) of the sender.
  std::uint32_t reserved;       ///< Must be zero.
  ByteRange successes;          ///< Array of ToolsEntry, in configuration order.
  ByteRange failures;           ///< Array of FailureEntry, in configuration order.
};
static_assert(WireStruct<ListToolsReply> && sizeof(ListToolsReply) == 32);

struct ToolsEntry {
  ByteRange server;
  ByteRange tools;  ///< The JSON array of the server's tools, all pages.
  std::uint64_t duration_ns;
};
static_assert(WireStruct<ToolsEntry> && sizeof(ToolsEntry) == 24);

struct FailureEntry {
  ByteRange server;
  ByteRange message;
  std::uint32_t error_kind;  ///< ErrorKind.
  std::uint32_t error_code;  ///< ErrorCode.
  std::uint64_t duration_ns;
};
static_assert(WireStruct<FailureEntry> && sizeof(FailureEntry) == 32);

struct CallToolRequest {
  std::uint32_t struct_bytes;
  std::uint32_t priority;     ///< Higher runs first where calls queue; 0 is the default.
  std::uint64_t deadline_ns;  ///< CLOCK_MONOTONIC; 0 takes the server's or the daemon's default.
  std::array<std::uint64_t, 2> idempotency_key;  ///< Zero: none.
  std::uint64_t fairness_key;             ///< Calls of one key share one turn; 0: the client.
  std::array<std::uint8_t, 16> trace_id;  ///< W3C trace context; zero: none.
  std::array<std::uint8_t, 8> parent_span_id;
  std::uint8_t trace_flags;
  std::array<std::uint8_t, 7> reserved;  ///< Must be zero.
  ByteRange server;
  ByteRange tool;
  ByteRange arguments;      ///< A JSON object; empty: no arguments.
  std::uint64_t abilities;  ///< mcp::ClientAbilities; zero from an older client.
  ByteRange meta;           ///< The caller's `_meta`, a JSON object; empty: none.
};
static_assert(WireStruct<CallToolRequest> && sizeof(CallToolRequest) == 112);

/// Payload of every answer whose outcome is neither ok nor peer_error.
struct ErrorBody {
  std::uint32_t struct_bytes;
  std::uint32_t error_kind;  ///< ErrorKind.
  std::uint32_t error_code;  ///< ErrorCode.
  std::int32_t os_errno;
  std::uint32_t sent;      ///< 1 if the call may have reached the server.
  std::uint32_t reserved;  ///< Must be zero.
  ByteRange message;       ///< One line for a person.
};
static_assert(WireStruct<ErrorBody> && sizeof(ErrorBody) == 32);

struct CancelEvent {
  std::uint32_t struct_bytes;
  std::uint32_t reserved;     ///< Must be zero.
  std::uint64_t correlation;  ///< Of the call to give up.
};
static_assert(WireStruct<CancelEvent> && sizeof(CancelEvent) == 16);

/// The call word of a connection without rings: sent before the first byte goes to a server.
struct IntentEvent {
  std::uint32_t struct_bytes;
  std::uint32_t call_state;  ///< CallState.
  std::uint64_t correlation;
};
static_assert(WireStruct<IntentEvent> && sizeof(IntentEvent) == 16);

/// How long a memory file is good for.
enum class MemoryLife : std::uint32_t {
  kOnce = 0,   ///< One frame refers to it.
  kStays = 1,  ///< Daemon to client with feature::kSlabs: many do, one after the other.
};

/// Announces the memory file attached to its frame; sent before the frame that refers to it.
struct MemoryEvent {
  std::uint32_t struct_bytes;
  std::uint32_t slab;
  std::uint32_t generation;
  MemoryLife life;
  std::uint64_t bytes;  ///< Size of the file.
};
static_assert(WireStruct<MemoryEvent> && sizeof(MemoryEvent) == 24);

/// Request of the client and the daemon's answer: the sender's new segment is attached. 0 in
/// either: no shared memory from here on, as after a HELLO with 0.
struct RingsOffer {
  std::uint32_t struct_bytes;
  std::uint32_t ring_bytes;  ///< Of each ring; may differ from what HELLO said.
};
static_assert(WireStruct<RingsOffer> && sizeof(RingsOffer) == 8);

/// One use of a slab that stays, given back by the client (kSlabCredit); or the slab as a whole,
/// given up by the daemon (kSlabRetire, with the generation of its last use).
struct SlabEvent {
  std::uint32_t struct_bytes;
  std::uint32_t slab;
  std::uint32_t generation;
  std::uint32_t reserved;  ///< Must be zero.
};
static_assert(WireStruct<SlabEvent> && sizeof(SlabEvent) == 16);

struct ProgressEvent {
  std::uint32_t struct_bytes;
  std::uint32_t reserved;  ///< Must be zero.
  ByteRange params;        ///< The JSON object of notifications/progress as the server sent it.
};
static_assert(WireStruct<ProgressEvent> && sizeof(ProgressEvent) == 16);

/// What large payloads cost the daemon, since its start.
struct LargePayloadCounters {
  std::uint64_t slab_answers;       ///< Answers that left in slabs.
  std::uint64_t new_slabs;          ///< Of them: in one that was made for it.
  std::uint64_t slab_bytes_copied;  ///< Into slabs, once for each answer.
  std::uint64_t large_lines;        ///< Lines of servers in memory of their own.
  std::uint64_t line_reads;         ///< Reads straight into it.
  std::uint64_t line_bytes_read;    ///< By them.
  std::uint64_t line_bytes_copied;  ///< What had arrived before, or belonged to the next line.
};

/// A range of values, and how many fell into it.
struct LagBucket {
  std::uint64_t largest_ns;
  std::uint64_t count;
};
static_assert(WireStruct<LagBucket> && sizeof(LagBucket) == 16);

/// One loop of the daemon, since its start.
struct LoopEntry {
  std::uint64_t turns;
  std::uint64_t system_calls;  ///< All that messages cost on its thread, entries for I/O included.
  std::uint64_t calls;         ///< tools/call requests of its clients.
  std::uint64_t lag_max_ns;    ///< What is ready waits behind the loop's turn: at most so long,
  ByteRange lag;               ///< and so often: an array of LagBucket, ascending.
};
static_assert(WireStruct<LoopEntry> && sizeof(LoopEntry) == 40);

struct StatusReply {
  std::uint32_t struct_bytes;
  std::int32_t daemon_pid;
  std::uint64_t uptime_ns;
  std::uint64_t calls;            ///< tools/call requests taken since the start.
  std::uint32_t clients;          ///< Connected now, the asking one included.
  std::uint32_t servers;          ///< Processes running now.
  std::uint64_t violations;       ///< Connections closed because the peer broke the protocol.
  std::uint32_t kernel_features;  ///< Bits of io::KernelFeature in use.
  std::uint32_t shards;           ///< Loops; 0 from an older daemon, which has one.
  ByteRange daemon_version;
  ByteRange runtime_directory;
  LargePayloadCounters large;  ///< Zero from an older daemon.
  std::uint64_t refusals;      ///< Client processes that were refused more than their share.
  ByteRange io_backend;        ///< "io_uring" or "epoll"; empty from an older daemon.
  ByteRange warning;           ///< What the daemon does without here, for a person; may be empty.
  ByteRange loops;             ///< Array of LoopEntry; empty from an older daemon.
  std::uint32_t loop_bytes;    ///< sizeof(LoopEntry) of the sender.
  std::uint32_t lag_bucket_bytes;  ///< sizeof(LagBucket) of the sender.
};
static_assert(WireStruct<StatusReply> && sizeof(StatusReply) == 160);

}  // namespace mcpwire::protocol
