// SPDX-License-Identifier: MIT
#include "protocol/methods.hpp"

#include <array>

namespace mcpwire::protocol {

std::string_view method_name(Method method) noexcept {
  static constexpr std::array<std::string_view, kMethodMax + 1> kNames = {
      "unknown",     "hello",   "ping",           "list_servers",  "list_tools",
      "call_tool",   "cancel",  "status",         "shutdown",      "doorbell",
      "memory",      "intent",  "progress",       "rings",         "slab_credit",
      "slab_retire", "request", "server_request", "server_answer", "notification"};
  const auto index = static_cast<std::size_t>(method);
  return index < kNames.size() ? kNames[index] : kNames[0];
}

}  // namespace mcpwire::protocol
