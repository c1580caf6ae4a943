// SPDX-License-Identifier: MIT
//
// The table of methods beside what the specification's schemas list, restated here: the unions
// ClientRequest, ServerRequest, ClientNotification and ServerNotification of each revision.
#include "protocol/mcp/method.hpp"

#include "protocol/mcp/revision.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::protocol::mcp {
namespace {

using Names = std::set<std::string_view>;

enum class Sender : std::uint8_t { kClient, kServer };

/// What of the core a side may send in a revision.
Names core_methods(Revision revision, Sender sender, MethodKind kind) {
  Names names;
  for (const MethodFacts& method : all_methods()) {
    if (is_modern(revision) && !method.modern_extension.empty()) continue;
    const RevisionSet set = sender == Sender::kClient ? method.to_server : method.to_client;
    if (method.kind == kind && set.contains(revision)) names.insert(method.name);
  }
  return names;
}

Names operator+(Names a, const Names& b) {
  a.insert(b.begin(), b.end());
  return a;
}

const Names kHandshakeRequests = {"initialize",
                                  "ping",
                                  "tools/list",
                                  "tools/call",
                                  "resources/list",
                                  "resources/templates/list",
                                  "resources/read",
                                  "resources/subscribe",
                                  "resources/unsubscribe",
                                  "prompts/list",
                                  "prompts/get",
                                  "completion/complete",
                                  "logging/setLevel"};
const Names kTaskRequests = {"tasks/get", "tasks/result", "tasks/list", "tasks/cancel"};
const Names kFirstServerRequests = {"ping", "roots/list", "sampling/createMessage"};
const Names kHandshakeClientNotifications = {"notifications/cancelled", "notifications/initialized",
                                             "notifications/progress",
                                             "notifications/roots/list_changed"};
const Names kServerNotifications = {"notifications/cancelled",
                                    "notifications/message",
                                    "notifications/progress",
                                    "notifications/prompts/list_changed",
                                    "notifications/resources/list_changed",
                                    "notifications/resources/updated",
                                    "notifications/tools/list_changed"};

struct SchemaRow {
  Revision revision;
  Names client_requests, server_requests, client_notifications, server_notifications;
};

const std::vector<SchemaRow>& schema_rows() {
  static const std::vector<SchemaRow> kRows = {
      {Revision::k2024_11_05, kHandshakeRequests, kFirstServerRequests,
       kHandshakeClientNotifications, kServerNotifications},
      {Revision::k2025_03_26, kHandshakeRequests, kFirstServerRequests,
       kHandshakeClientNotifications, kServerNotifications},
      {Revision::k2025_06_18, kHandshakeRequests,
       kFirstServerRequests + Names{"elicitation/create"}, kHandshakeClientNotifications,
       kServerNotifications},
      {Revision::k2025_11_25, kHandshakeRequests + kTaskRequests,
       kFirstServerRequests + kTaskRequests + Names{"elicitation/create"},
       kHandshakeClientNotifications + Names{"notifications/tasks/status"},
       kServerNotifications +
           Names{"notifications/elicitation/complete", "notifications/tasks/status"}},
      {Revision::k2026_07_28,
       {"completion/complete", "prompts/get", "prompts/list", "resources/list", "resources/read",
        "resources/templates/list", "server/discover", "subscriptions/listen", "tools/call",
        "tools/list"},
       {},
       {"notifications/cancelled"},
       kServerNotifications + Names{"notifications/subscriptions/acknowledged"}},
  };
  return kRows;
}

class SchemaTest : public testing::TestWithParam<SchemaRow> {};

TEST_P(SchemaTest, TheTableListsWhatTheSchemaOfTheRevisionLists) {
  const SchemaRow& row = GetParam();
  EXPECT_EQ(core_methods(row.revision, Sender::kClient, MethodKind::kRequest), row.client_requests);
  EXPECT_EQ(core_methods(row.revision, Sender::kServer, MethodKind::kRequest), row.server_requests);
  EXPECT_EQ(core_methods(row.revision, Sender::kClient, MethodKind::kNotification),
            row.client_notifications);
  EXPECT_EQ(core_methods(row.revision, Sender::kServer, MethodKind::kNotification),
            row.server_notifications);
}
INSTANTIATE_TEST_SUITE_P(All, SchemaTest, testing::ValuesIn(schema_rows()), [](const auto& info) {
  std::string name(facts_of(info.param.revision).name);
  std::ranges::replace(name, '-', '_');
  return "R" + name;
});

Names names_where(auto condition) {
  Names names;
  for (const MethodFacts& method : all_methods()) {
    if (condition(method)) names.insert(method.name);
  }
  return names;
}

TEST(MethodTest, EachNameStandsOnceAndIsFound) {
  Names seen;
  for (const MethodFacts& method : all_methods()) {
    EXPECT_TRUE(seen.insert(method.name).second) << method.name;
    EXPECT_EQ(find_method(method.name), &method);
  }
  EXPECT_EQ(find_method("tools/nonsense"), nullptr);
  EXPECT_EQ(find_method(""), nullptr);
  EXPECT_EQ(find_method("tools/lis"), nullptr);
}

TEST(MethodTest, OnlyThreeRequestsMayBeAnsweredByAQuestion) {
  EXPECT_EQ(names_where([](const MethodFacts& method) { return method.may_need_input; }),
            (Names{"tools/call", "prompts/get", "resources/read"}));
}

TEST(MethodTest, QuestionsInsideResultsAreTheRequestsThatServersNoLongerSend) {
  EXPECT_EQ(names_where([](const MethodFacts& method) { return method.is_input; }),
            (Names{"sampling/createMessage", "elicitation/create", "roots/list"}));
  for (const Revision revision : kRevisions) {
    EXPECT_EQ(has_method(revision, kSampling), facts_of(revision).has_server_requests);
  }
}

TEST(MethodTest, CacheableResultsAreThoseOfTheSchemaAndOfSkills) {
  EXPECT_EQ(names_where([](const MethodFacts& method) {
              return method.is_cacheable && method.modern_extension.empty();
            }),
            (Names{"server/discover", "tools/list", "prompts/list", "resources/list",
                   "resources/templates/list", "resources/read"}));
}

TEST(MethodTest, HeadersNameWhatTheTransportPageLists) {
  const std::vector<std::pair<std::string_view, std::string_view>> expected = {
      {"tools/call", "name"},  {"prompts/get", "name"},    {"resources/read", "uri"},
      {"tasks/get", "taskId"}, {"tasks/update", "taskId"}, {"tasks/cancel", "taskId"}};
  Names named;
  for (const auto& [method, param] : expected) {
    ASSERT_NE(find_method(method), nullptr);
    EXPECT_EQ(find_method(method)->name_param, param) << method;
    named.insert(method);
  }
  EXPECT_EQ(names_where([](const MethodFacts& method) { return !method.name_param.empty(); }),
            named);
}

TEST(MethodTest, PagesAreFoundUnderTheKeyOfTheirResult) {
  const std::vector<std::pair<std::string_view, std::string_view>> expected = {
      {"tools/list", "tools"},
      {"resources/list", "resources"},
      {"resources/templates/list", "resourceTemplates"},
      {"prompts/list", "prompts"},
      {"tasks/list", "tasks"},
      {"skills/list", "skills"}};
  for (const auto& [method, key] : expected) {
    ASSERT_NE(find_method(method), nullptr);
    EXPECT_EQ(find_method(method)->page_key, key) << method;
  }
  EXPECT_EQ(names_where([](const MethodFacts& method) { return !method.page_key.empty(); }).size(),
            expected.size());
}

TEST(MethodTest, WhatMayHaveHappenedIsNotRepeated) {
  for (const std::string_view method : {"tools/call", "initialize", "tasks/update", "tasks/cancel",
                                        "sampling/createMessage", "elicitation/create"}) {
    EXPECT_FALSE(find_method(method)->is_safe_to_repeat) << method;
  }
  for (const std::string_view method :
       {"ping", "server/discover", "tools/list", "resources/read", "prompts/get"}) {
    EXPECT_TRUE(find_method(method)->is_safe_to_repeat) << method;
  }
  for (const MethodFacts& method : all_methods()) {
    if (!method.page_key.empty() || method.is_cacheable) {
      EXPECT_TRUE(method.is_safe_to_repeat) << method.name;
    }
  }
}

TEST(MethodTest, DirectionsDependOnTheRevision) {
  const MethodFacts& progress = *find_method(kProgress);
  EXPECT_EQ(progress.direction_in(Revision::k2025_11_25), Direction::kBoth);
  EXPECT_EQ(progress.direction_in(Revision::k2026_07_28), Direction::kToClient);
  const MethodFacts& get = *find_method("tasks/get");
  EXPECT_EQ(get.direction_in(Revision::k2025_11_25), Direction::kBoth);
  EXPECT_EQ(get.direction_in(Revision::k2026_07_28), Direction::kToServer);
  EXPECT_FALSE(has_method(Revision::k2025_06_18, "tasks/get"));
}

TEST(MethodTest, CapabilitiesGateMethodsAsTheirRevisionSays) {
  const auto capability = [](std::string_view method, Revision revision) {
    return needed_capability(*find_method(method), revision);
  };
  EXPECT_EQ(capability("tools/call", Revision::k2024_11_05), "tools");
  EXPECT_EQ(capability("resources/subscribe", Revision::k2025_11_25), "resources.subscribe");
  EXPECT_EQ(capability("completion/complete", Revision::k2024_11_05), "");
  EXPECT_EQ(capability("completion/complete", Revision::k2025_03_26), "completions");
  EXPECT_EQ(capability("tasks/list", Revision::k2025_11_25), "tasks.list");
  EXPECT_EQ(capability("tasks/get", Revision::k2026_07_28), "");
  EXPECT_EQ(find_method("tasks/get")->modern_extension, kTasksExtension);
}

}  // namespace
}  // namespace mcpwire::protocol::mcp
