// SPDX-License-Identifier: MIT
//
// MethodFacts: the requests and notifications of MCP, in which revisions each exists and in which
// direction, and what a client must know to send it. Results and parameters stay opaque: only what
// routing, headers, pages and retries need stands here.
//
// Threading: constants and pure functions.
#pragma once

#include "protocol/mcp/revision.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace mcpwire::protocol::mcp {

enum class Direction : std::uint8_t { kToServer, kToClient, kBoth };
enum class MethodKind : std::uint8_t { kRequest, kNotification };

struct MethodFacts {
  std::string_view name;
  MethodKind kind = MethodKind::kRequest;
  RevisionSet to_server{};  ///< Revisions in which a client may send it.
  RevisionSet to_client{};  ///< Revisions in which a server may send it.
  /// What the server must declare, as a path into its capabilities; empty if nothing.
  std::string_view server_capability{};
  /// What the client must declare before a server may send it, likewise.
  std::string_view client_capability{};
  /// The extension that brings it to the modern revisions in `to_server`/`to_client`; both sides
  /// must have declared it. Empty: it belongs to the core.
  std::string_view modern_extension{};
  /// The parameter that names what the request is about; goes into `Mcp-Name`.
  std::string_view name_param{};
  /// The result's array where the answer comes in pages; else empty.
  std::string_view page_key{};
  bool may_need_input = false;     ///< Modern: may be answered by `input_required`.
  bool is_input = false;           ///< Modern: asked inside an `input_required` result.
  bool is_safe_to_repeat = false;  ///< Changes nothing, or the same if it happens twice.
  bool is_cacheable = false;       ///< Modern: the result carries `ttlMs` and `cacheScope`.

  constexpr RevisionSet revisions() const noexcept { return to_server | to_client; }
  /// REQUIRES: revisions().contains(revision).
  constexpr Direction direction_in(Revision revision) const noexcept {
    if (!to_client.contains(revision)) return Direction::kToServer;
    return to_server.contains(revision) ? Direction::kBoth : Direction::kToClient;
  }
};

/// All of them, requests first.
std::span<const MethodFacts> all_methods() noexcept;

/// Null for a method that no revision has.
const MethodFacts* find_method(std::string_view name) noexcept;

/// True if either side may send it in that revision, by the core or by an extension.
bool has_method(Revision revision, std::string_view name) noexcept;

/// What the server must have declared before a client may send `method`: a path into the server's
/// capabilities ("resources.subscribe"), empty if nothing or if an extension decides.
std::string_view needed_capability(const MethodFacts& method, Revision revision) noexcept;

// The methods that mcpwire itself sends or looks at.
inline constexpr std::string_view kInitialize = "initialize";
inline constexpr std::string_view kDiscover = "server/discover";
inline constexpr std::string_view kPing = "ping";
inline constexpr std::string_view kToolsList = "tools/list";
inline constexpr std::string_view kToolsCall = "tools/call";
inline constexpr std::string_view kSampling = "sampling/createMessage";
inline constexpr std::string_view kElicitation = "elicitation/create";
inline constexpr std::string_view kRootsList = "roots/list";
inline constexpr std::string_view kSetLevel = "logging/setLevel";
inline constexpr std::string_view kListen = "subscriptions/listen";
inline constexpr std::string_view kInitialized = "notifications/initialized";
inline constexpr std::string_view kCancelled = "notifications/cancelled";
inline constexpr std::string_view kProgress = "notifications/progress";
inline constexpr std::string_view kMessage = "notifications/message";
inline constexpr std::string_view kToolsChanged = "notifications/tools/list_changed";
inline constexpr std::string_view kPromptsChanged = "notifications/prompts/list_changed";
inline constexpr std::string_view kResourcesChanged = "notifications/resources/list_changed";
inline constexpr std::string_view kResourceUpdated = "notifications/resources/updated";
inline constexpr std::string_view kTaskStatus = "notifications/tasks/status";  ///< Of the core.
inline constexpr std::string_view kTaskChanged = "notifications/tasks";  ///< Of the extension.
inline constexpr std::string_view kAcknowledged = "notifications/subscriptions/acknowledged";

inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";
inline constexpr std::string_view kSkillsExtension = "io.modelcontextprotocol/skills";

}  // namespace mcpwire::protocol::mcp
