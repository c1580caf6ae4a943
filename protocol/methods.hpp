// SPDX-License-Identifier: MIT
//
// Method: what a frame asks for. Numbers travel on the wire: append only, never renumber.
#pragma once

#include <cstdint>
#include <string_view>

namespace mcpwire::protocol {

enum class Method : std::uint32_t {
  kHello = 1,        ///< First frame of a connection, both ways. Socket only.
  kPing = 2,         ///< Answered by the daemon itself.
  kListServers = 3,  ///< Names and states of the configured servers.
  kListTools = 4,    ///< Tools of one server or of all, successes and failures apart.
  kCallTool = 5,
  kCancel = 6,  ///< Event: gives up the call named in the payload.
  kStatus = 7,
  kShutdown = 8,
  kDoorbell = 9,   ///< Event, socket only: look into the ring.
  kMemory = 10,    ///< Event, socket only: hands over one memory file for a mapped payload.
  kIntent = 11,    ///< Event, socket only: the call word of a connection without rings.
  kProgress = 12,  ///< Event: a server's progress notification for a call.
  kRings = 13,     ///< Socket only: new rings instead of those that an idle connection gave back.
  // With feature::kSlabs only, in rings only:
  kSlabCredit = 14,  ///< Event of the client: it has done with one use of a slab.
  kSlabRetire = 15,  ///< Event of the daemon: a slab that is not in use is given up.
  // With feature::kMessages only (protocol/rpc_params.hpp):
  kRequest = 16,        ///< Any request of MCP.
  kServerRequest = 17,  ///< Event of the daemon: a server asks whoever called it.
  kServerAnswer = 18,   ///< Event of the client: what it says to that.
  kNotification = 19,   ///< Event of the daemon: what a server tells without being asked.
};

inline constexpr std::uint32_t kMethodMax = static_cast<std::uint32_t>(Method::kNotification);

/// The method's name in logs, e.g. "call_tool"; "unknown" for anything else.
std::string_view method_name(Method method) noexcept;

}  // namespace mcpwire::protocol
