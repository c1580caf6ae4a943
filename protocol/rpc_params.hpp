// SPDX-License-Identifier: MIT
//
// Parameters of MCP messages that pass between a client and a server: any request, what a server
// asks its caller meanwhile, and what it tells without being asked. All need feature::kMessages.
// The JSON of both sides passes through as raw ranges. The rules of protocol/params.hpp hold.
#pragma once

#include "protocol/params.hpp"

#include <array>
#include <cstdint>

namespace mcpwire::protocol {

/// How much of a list one request brings.
enum class Pages : std::uint32_t {
  kOne = 0,  ///< What the server answers, as it is.
  kAll = 1,  ///< All pages of a list method, joined: {"<its key>":[...]}.
};

/// Any request of MCP. Answered as a call is: the server's result or error, or an ErrorBody.
/// `subscriptions/listen` is answered by the daemon itself, in every era: it stays open, tells
/// what it hears by NotificationEvents, and ends when it is cancelled or the daemon stops.
struct RpcRequest {
  std::uint32_t struct_bytes;
  Pages pages;
  std::uint64_t deadline_ns;  ///< CLOCK_MONOTONIC; 0 takes the server's or the daemon's default.
  std::uint64_t abilities;    ///< mcp::ClientAbilities: what the client answers if it is asked.
  std::array<std::uint8_t, 16> trace_id;  ///< W3C trace context; zero: none.
  std::array<std::uint8_t, 8> parent_span_id;
  std::uint8_t trace_flags;
  std::array<std::uint8_t, 7> reserved;  ///< Must be zero.
  ByteRange server;                      ///< Empty, in subscriptions/listen only: all.
  ByteRange method;
  ByteRange params;  ///< A JSON object; empty: none.
  ByteRange meta;    ///< The caller's `_meta`, a JSON object; empty: none.
};
static_assert(WireStruct<RpcRequest> && sizeof(RpcRequest) == 88);

/// Daemon to client: the server asks whoever made the request `correlation`. To be answered by one
/// ServerAnswerEvent; a request that ends before is refused for the client.
struct ServerRequestEvent {
  std::uint32_t struct_bytes;
  std::uint32_t reserved;     ///< Must be zero.
  std::uint64_t correlation;  ///< Of the client's request.
  std::uint64_t key;          ///< Tells the questions of one request apart.
  ByteRange method;
  ByteRange params;  ///< A JSON object; empty: none.
};
static_assert(WireStruct<ServerRequestEvent> && sizeof(ServerRequestEvent) == 40);

enum class ServerAnswerKind : std::uint32_t {
  kAnswered = 0,
  kRefused = 1,  ///< The daemon answers in the way that the method defines.
  kFailed = 2,   ///< `result` is a JSON-RPC error object.
};

/// Client to daemon. One that comes too late, or to a question that was never asked, is ignored.
struct ServerAnswerEvent {
  std::uint32_t struct_bytes;
  ServerAnswerKind kind;
  std::uint64_t correlation;
  std::uint64_t key;
  ByteRange result;  ///< A JSON object; read unless it is refused.
};
static_assert(WireStruct<ServerAnswerEvent> && sizeof(ServerAnswerEvent) == 32);

/// Daemon to client: a notification of a server that belongs to the request `correlation`.
struct NotificationEvent {
  std::uint32_t struct_bytes;
  std::uint32_t reserved;  ///< Must be zero.
  std::uint64_t correlation;
  ByteRange server;
  ByteRange method;
  ByteRange params;  ///< A JSON object; empty: none.
};
static_assert(WireStruct<NotificationEvent> && sizeof(NotificationEvent) == 40);

}  // namespace mcpwire::protocol
