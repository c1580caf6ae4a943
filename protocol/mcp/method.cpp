// SPDX-License-Identifier: MIT
#include "protocol/mcp/method.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <array>

namespace mcpwire::protocol::mcp {
namespace {

constexpr RevisionSet kAll = RevisionSet::all();
constexpr RevisionSet kLegacy = RevisionSet::legacy();
constexpr RevisionSet kModern = RevisionSet::from(Revision::k2026_07_28);
/// Tasks belong to the core of one revision and came back as an extension, in another shape.
constexpr RevisionSet kCoreTasks = RevisionSet::only(Revision::k2025_11_25);
constexpr RevisionSet kElicitations =
    RevisionSet::between(Revision::k2025_06_18, kNewestLegacyRevision);
constexpr MethodKind kNotification = MethodKind::kNotification;

constexpr std::array kTable = {
    // --- Requests ---
    MethodFacts{.name = kInitialize, .to_server = kLegacy},
    MethodFacts{
        .name = kDiscover, .to_server = kModern, .is_safe_to_repeat = true, .is_cacheable = true},
    MethodFacts{
        .name = kPing, .to_server = kLegacy, .to_client = kLegacy, .is_safe_to_repeat = true},
    MethodFacts{.name = kToolsList,
                .to_server = kAll,
                .server_capability = "tools",
                .page_key = "tools",
                .is_safe_to_repeat = true,
                .is_cacheable = true},
    MethodFacts{.name = kToolsCall,
                .to_server = kAll,
                .server_capability = "tools",
                .name_param = "name",
                .may_need_input = true},
    MethodFacts{.name = "resources/list",
                .to_server = kAll,
                .server_capability = "resources",
                .page_key = "resources",
                .is_safe_to_repeat = true,
                .is_cacheable = true},
    MethodFacts{.name = "resources/templates/list",
                .to_server = kAll,
                .server_capability = "resources",
                .page_key = "resourceTemplates",
                .is_safe_to_repeat = true,
                .is_cacheable = true},
    MethodFacts{.name = "resources/read",
                .to_server = kAll,
                .server_capability = "resources",
                .name_param = "uri",
                .may_need_input = true,
                .is_safe_to_repeat = true,
                .is_cacheable = true},
    MethodFacts{.name = "resources/subscribe",
                .to_server = kLegacy,
                .server_capability = "resources.subscribe",
                .is_safe_to_repeat = true},
    MethodFacts{.name = "resources/unsubscribe",
                .to_server = kLegacy,
                .server_capability = "resources.subscribe",
                .is_safe_to_repeat = true},
    MethodFacts{.name = kListen, .to_server = kModern, .is_safe_to_repeat = true},
    MethodFacts{.name = "prompts/list",
                .to_server = kAll,
                .server_capability = "prompts",
                .page_key = "prompts",
                .is_safe_to_repeat = true,
                .is_cacheable = true},
    MethodFacts{.name = "prompts/get",
                .to_server = kAll,
                .server_capability = "prompts",
                .name_param = "name",
                .may_need_input = true,
                .is_safe_to_repeat = true},
    MethodFacts{.name = "completion/complete",
                .to_server = kAll,
                .server_capability = "completions",
                .is_safe_to_repeat = true},
    MethodFacts{.name = kSetLevel,
                .to_server = kLegacy,
                .server_capability = "logging",
                .is_safe_to_repeat = true},
    MethodFacts{
        .name = kSampling, .to_client = kLegacy, .client_capability = "sampling", .is_input = true},
    MethodFacts{.name = kRootsList,
                .to_client = kLegacy,
                .client_capability = "roots",
                .is_input = true,
                .is_safe_to_repeat = true},
    MethodFacts{.name = kElicitation,
                .to_client = kElicitations,
                .client_capability = "elicitation",
                .is_input = true},
    MethodFacts{.name = "tasks/get",
                .to_server = kCoreTasks | kModern,
                .to_client = kCoreTasks,
                .server_capability = "tasks",
                .client_capability = "tasks",
                .modern_extension = kTasksExtension,
                .name_param = "taskId",
                .is_safe_to_repeat = true},
    MethodFacts{.name = "tasks/result",
                .to_server = kCoreTasks,
                .to_client = kCoreTasks,
                .server_capability = "tasks",
                .client_capability = "tasks",
                .is_safe_to_repeat = true},
    MethodFacts{.name = "tasks/list",
                .to_server = kCoreTasks,
                .to_client = kCoreTasks,
                .server_capability = "tasks.list",
                .client_capability = "tasks.list",
                .page_key = "tasks",
                .is_safe_to_repeat = true},
    MethodFacts{.name = "tasks/cancel",
                .to_server = kCoreTasks | kModern,
                .to_client = kCoreTasks,
                .server_capability = "tasks.cancel",
                .client_capability = "tasks.cancel",
                .modern_extension = kTasksExtension,
                .name_param = "taskId"},
    MethodFacts{.name = "tasks/update",
                .to_server = kModern,
                .modern_extension = kTasksExtension,
                .name_param = "taskId"},
    MethodFacts{.name = "skills/list",
                .to_server = kModern,
                .modern_extension = kSkillsExtension,
                .page_key = "skills",
                .is_safe_to_repeat = true,
                .is_cacheable = true},
    MethodFacts{.name = "skills/get",
                .to_server = kModern,
                .modern_extension = kSkillsExtension,
                .is_safe_to_repeat = true,
                .is_cacheable = true},
    MethodFacts{.name = "resources/directory/read",
                .to_server = kModern,
                .modern_extension = kSkillsExtension,
                .is_safe_to_repeat = true},
    // --- Notifications ---
    MethodFacts{.name = kInitialized, .kind = kNotification, .to_server = kLegacy},
    MethodFacts{.name = kCancelled, .kind = kNotification, .to_server = kAll, .to_client = kAll},
    MethodFacts{.name = kProgress, .kind = kNotification, .to_server = kLegacy, .to_client = kAll},
    MethodFacts{
        .name = kMessage, .kind = kNotification, .to_client = kAll, .server_capability = "logging"},
    MethodFacts{.name = kToolsChanged,
                .kind = kNotification,
                .to_client = kAll,
                .server_capability = "tools.listChanged"},
    MethodFacts{.name = kPromptsChanged,
                .kind = kNotification,
                .to_client = kAll,
                .server_capability = "prompts.listChanged"},
    MethodFacts{.name = kResourcesChanged,
                .kind = kNotification,
                .to_client = kAll,
                .server_capability = "resources.listChanged"},
    MethodFacts{.name = kResourceUpdated,
                .kind = kNotification,
                .to_client = kAll,
                .server_capability = "resources.subscribe"},
    MethodFacts{.name = "notifications/roots/list_changed",
                .kind = kNotification,
                .to_server = kLegacy,
                .client_capability = "roots.listChanged"},
    MethodFacts{.name = kTaskStatus,
                .kind = kNotification,
                .to_server = kCoreTasks,
                .to_client = kCoreTasks,
                .server_capability = "tasks",
                .client_capability = "tasks"},
    MethodFacts{.name = "notifications/elicitation/complete",
                .kind = kNotification,
                .to_client = RevisionSet::only(Revision::k2025_11_25),
                .client_capability = "elicitation.url"},
    MethodFacts{.name = kAcknowledged, .kind = kNotification, .to_client = kModern},
    MethodFacts{.name = kTaskChanged,
                .kind = kNotification,
                .to_client = kModern,
                .modern_extension = kTasksExtension},
};

static_assert(std::ranges::none_of(kTable, [](const MethodFacts& method) {
  return method.revisions().empty();
}));

}  // namespace

std::span<const MethodFacts> all_methods() noexcept { return kTable; }

const MethodFacts* find_method(std::string_view name) noexcept {
  const auto found = std::ranges::find(kTable, name, &MethodFacts::name);
  return found == kTable.end() ? nullptr : &*found;
}

bool has_method(Revision revision, std::string_view name) noexcept {
  const MethodFacts* method = find_method(name);
  return method != nullptr && method->revisions().contains(revision);
}

std::string_view needed_capability(const MethodFacts& method, Revision revision) noexcept {
  MCPWIRE_CHECK(method.revisions().contains(revision));
  if (is_modern(revision) && !method.modern_extension.empty()) return {};
  // The first revision had completions, but no capability to declare them by.
  const bool is_undeclarable =
      revision == Revision::k2024_11_05 && method.server_capability == "completions";
  return is_undeclarable ? std::string_view() : method.server_capability;
}

}  // namespace mcpwire::protocol::mcp
