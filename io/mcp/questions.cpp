// SPDX-License-Identifier: MIT
#include "io/mcp/questions.hpp"

#include "protocol/mcp/method.hpp"

#include <array>

namespace mcpwire::io {
namespace {

namespace mcp = protocol::mcp;

}  // namespace

bool can_answer(protocol::json::ValueReader& reader, mcp::ClientAbilities abilities,
                std::string_view method, std::string_view params) {
  using enum mcp::ClientAbility;
  if (method == mcp::kRootsList) return abilities.has(kRoots);
  constexpr std::array<std::string_view, 2> kNames = {"mode", "tools"};
  std::array<std::string_view, 2> raw;
  if (!params.empty() && !reader.extract_fields(params, kNames, raw).has_value()) return false;
  if (method == mcp::kElicitation) {
    // Without a mode it is a form: there was nothing else once.
    return abilities.has(raw[0] == "\"url\"" ? kElicitationUrl : kElicitationForm);
  }
  if (method == mcp::kSampling) {
    const bool needs_tools = !raw[1].empty();
    return abilities.has(kSamplingTools) || (abilities.has(kSampling) && !needs_tools);
  }
  return false;
}

}  // namespace mcpwire::io
