// SPDX-License-Identifier: MIT
#include "tests/daemon/support/daemon_fixture.hpp"

#include "tests/io/chosen_loop.hpp"

#include <utility>

namespace mcpwire::daemon {
namespace {

using test_support::BackgroundTask;

// Store and pool outlive the tasks.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<int> stop_daemon(ConfigurationStore& configurations, pool::ConnectionPool& pool) {
  co_await configurations.stop();
  co_await pool.clear();
  co_return 0;
}
// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

}  // namespace

DaemonTest::DaemonTest() {
  helper_loop = io::create_chosen_loop().value();
  helper = io::HelperThread::create(*helper_loop).value();
  configurations = std::make_unique<ConfigurationStore>(loop, *helper, files, pool);
  services = std::make_unique<Services>(Services{
      loop, pool, executor, *configurations, counters, log,
      DaemonFacts{11, loop.now_ns(), 3, "/run/user/1000/mcpwire", 1, "epoll", "no io_uring"},
      [this] { ++shutdown_requests; }});
  services->helper = helper.get();
  write_file("/home/u/project", "", 0755);
}

void DaemonTest::TearDown() {
  for (TestClient& client : clients) {
    for (std::uint64_t correlation = 1; correlation <= client.requests(); ++correlation) {
      EXPECT_LE(client.answers(correlation), 1U) << "request " << correlation;
    }
    client.disconnect();
  }
  settle();
  for (TestClient& client : clients) ASSERT_TRUE(client.has_ended());
  clients.clear();
  BackgroundTask<int> stopped(loop, stop_daemon(*configurations, pool));
  settle();
  ASSERT_TRUE(stopped.has_ended());
  EXPECT_EQ(counters.clients, 0U);
  helper->stop();
}

void DaemonTest::settle() {
  for (;;) {
    loop.run_until_idle();
    const bool is_helping = helper->jobs() > 0;
    const bool has_worked = helper_loop->run_once(is_helping ? kSecond : 0);
    if (!has_worked && !is_helping) return;
  }
}

void DaemonTest::advance(std::uint64_t ns) {
  settle();
  loop.advance_ns(ns);
  settle();
}

void DaemonTest::configure(const std::vector<std::string>& names) {
  std::string text = R"({"mcpServers":{)";
  for (const std::string& name : names) {
    write_file("/opt/" + name, "", 0755);
    if (text.back() != '{') text += ',';
    text += '"' + name + R"(":{"command":"/opt/)" + name + R"("})";
  }
  write_file(kConfigPath, text + "}}");
}

void DaemonTest::write_file(const std::string& path, std::string_view text,
                            std::uint32_t permissions) {
  files.put(path, std::string(text), permissions);
  files.set_owner(path, 0);
}

ConfigurationKey DaemonTest::key() const {
  return {kConfigPath, protocol::ConfigOrigin::kExplicit, "/home/u/project",
          std::string("HOME=/home/u\0PATH=/usr/bin\0", 27)};
}

FileIdentity DaemonTest::identity_of(const std::string& path) {
  const Result<FileStatus> status = files.status(path);
  return status.has_value() ? status->identity : FileIdentity{};
}

DaemonTest::TestClient& DaemonTest::connect() { return clients.emplace_back(*services); }

DaemonTest::TestClient& DaemonTest::connect_configured(std::uint64_t features) {
  TestClient& client = connect();
  client.hello(key(), identity_of(kConfigPath), features);
  return client;
}

DaemonTest::Answer DaemonTest::ask(TestClient& client, protocol::Method method,
                                   std::string_view payload) {
  const std::uint64_t correlation = client.request(method, payload);
  settle();
  const std::optional<Answer> answer = client.answer(correlation);
  EXPECT_TRUE(answer.has_value()) << "no answer";
  return answer.value_or(Answer{});
}

std::string DaemonTest::identity(TestClient& client, std::string_view name) {
  const ConfigurationPointer configuration = client.session().try_configuration();
  if (configuration == nullptr) return {};
  const Result<const ConfiguredServer*> server = configuration->find(name);
  if (!server.has_value() || !(*server)->spec.has_value()) return {};
  return (*server)->spec->identity;
}

}  // namespace mcpwire::daemon
