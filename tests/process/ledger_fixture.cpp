// SPDX-License-Identifier: MIT
#include "tests/process/ledger_fixture.hpp"

#include <cstdlib>

namespace mcpwire::test {
namespace {

/// The views of a request must outlive the call.
client::CallRequest ledger_call(const std::string& arguments, std::uint64_t deadline_ns) {
  client::CallRequest request;
  request.server = "demo";
  request.tool = "ledger";
  request.arguments_json = arguments;
  request.deadline_ns = deadline_ns;
  return request;
}

std::string token_arguments(const std::string& token) { return R"({"token":")" + token + R"("})"; }

}  // namespace

std::uint64_t soak_factor() {
  const char* const text = std::getenv("MCPWIRE_SOAK");
  const std::uint64_t factor = text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
  return factor == 0 ? 1 : factor;
}

LedgerFixture::LedgerFixture() {
  use_server(demo_server(), R"("env":{"MCPWIRE_LEDGER":")" + work() + R"(/ledger"})");
}

client::Connection LedgerFixture::connect(client::AutoStart auto_start, std::uint32_t ring_bytes) {
  client::ConnectOptions options = connect_options();
  options.ring_bytes = ring_bytes;
  options.auto_start = auto_start;
  options.connect_timeout_ns = kPatienceNs;
  options.deadline_grace_ns = 10 * kNanosecondsPerMillisecond;
  auto connection = client::Connection::connect(options);
  EXPECT_TRUE(connection.has_value()) << connection.error().message();
  return std::move(connection).value();
}

std::uint64_t LedgerFixture::start_record(client::Connection& connection, const std::string& token,
                                          std::uint64_t deadline_ns) {
  const std::string arguments = token_arguments(token);
  const auto started = connection.start_call(ledger_call(arguments, deadline_ns));
  EXPECT_TRUE(started.has_value());
  return started.value_or(0);
}

protocol::Outcome LedgerFixture::record(client::Connection& connection, const std::string& token) {
  const std::string arguments = token_arguments(token);
  return connection.call_tool(ledger_call(arguments, 0)).outcome;
}

std::size_t LedgerFixture::executions_of(const std::string& token) {
  const std::string ledger = "\n" + read_file(work() + "/ledger");
  const std::string line = "\n" + token + "\n";
  std::size_t count = 0;
  for (std::size_t at = ledger.find(line); at != std::string::npos;
       at = ledger.find(line, at + 1)) {
    ++count;
  }
  return count;
}

std::vector<UniqueFd> LedgerFixture::server_processes(pid_t daemon) {
  std::vector<UniqueFd> processes;
  for (const pid_t server : children_like(daemon, "mcpwire-demo-server")) {
    processes.push_back(open_process(server));
  }
  return processes;
}

}  // namespace mcpwire::test
