// SPDX-License-Identifier: MIT
#include "protocol/mcp/client_abilities.hpp"

#include "protocol/mcp/method.hpp"

#include <string_view>

namespace mcpwire::protocol::mcp {
namespace {

void append_member(std::string& object, std::string_view name, std::string_view value) {
  if (object.size() > 1) object += ',';
  object.append("\"").append(name).append("\":").append(value);
}

bool can_elicit(Revision revision) noexcept {
  return facts_of(revision).has_input_rounds || has_method(revision, kElicitation);
}

/// Before pages that the user opens there was but one way, and it had no name.
std::string elicitation_json(ClientAbilities abilities, Revision revision) {
  if (!facts_of(revision).has_url_elicitation) return "{}";
  std::string modes = "{";
  if (abilities.has(ClientAbility::kElicitationForm)) append_member(modes, "form", "{}");
  if (abilities.has(ClientAbility::kElicitationUrl)) append_member(modes, "url", "{}");
  return modes + '}';
}

}  // namespace

std::string client_capabilities_json(ClientAbilities abilities, Revision revision) {
  using enum ClientAbility;
  const RevisionFacts& facts = facts_of(revision);
  std::string json = "{";
  const bool has_form = abilities.has(kElicitationForm);
  const bool has_url = abilities.has(kElicitationUrl) && facts.has_url_elicitation;
  if ((has_form || has_url) && can_elicit(revision)) {
    append_member(json, "elicitation", elicitation_json(abilities, revision));
  }
  if (abilities.has(kRoots)) append_member(json, "roots", "{}");
  if (abilities.has(kSampling) || abilities.has(kSamplingTools)) {
    const bool has_tools = abilities.has(kSamplingTools) && facts.has_sampling_tools;
    append_member(json, "sampling", has_tools ? R"({"tools":{}})" : "{}");
  }
  if (abilities.has(kTasks) && is_modern(revision)) {
    append_member(json, "extensions", "{\"" + std::string(kTasksExtension) + "\":{}}");
  }
  return json + '}';
}

}  // namespace mcpwire::protocol::mcp
