// SPDX-License-Identifier: MIT
#include "tools/mcp-bench/own_daemon.hpp"

#include "protocol/base/process_fd.hpp"

#include <time.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace mcpwire::bench_tool {
namespace {

constexpr std::uint64_t kStopPatienceNs = 10 * kNanosecondsPerSecond;

Result<std::string> write_configuration(const ScratchDirectory& scratch, const std::string& text) {
  const std::string path = scratch.path() + "/servers.json";
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(Error::from_errno(ErrorKind::kConfiguration, errno, path));
  std::fputs(text.c_str(), file);
  if (std::fclose(file) != 0)
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno, path));
  return path;
}

Result<std::uint64_t> processor_time_ns(std::int32_t process_id) {
  clockid_t clock{};
  timespec time{};
  const int failure = ::clock_getcpuclockid(process_id, &clock);
  if (failure != 0 || ::clock_gettime(clock, &time) != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, failure != 0 ? failure : errno,
                                  "processor time of process " + std::to_string(process_id)));
  }
  return static_cast<std::uint64_t>(time.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::string server_name(std::size_t index) {
  return index == 0 ? "demo" : "demo" + std::to_string(index + 1);
}

Result<void> echo_call(client::Connection& connection, std::string_view server) {
  const client::CallReply reply = connection.call_tool({server, "echo", R"({"message":"hello"})"});
  if (reply.outcome != protocol::Outcome::kOk) return fail(reply.error);
  if (reply.body.view().find("hello") == std::string_view::npos) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  }
  return {};
}

OwnDaemon::OwnDaemon(ScratchDirectory scratch, client::ConnectOptions options) noexcept
    : scratch_(std::move(scratch)), options_(std::move(options)) {}

OwnDaemon::OwnDaemon(OwnDaemon&& other) noexcept
    : scratch_(std::move(other.scratch_)),
      options_(std::move(other.options_)),
      process_id_(std::exchange(other.process_id_, 0)) {}

Result<OwnDaemon> OwnDaemon::create(std::size_t servers) {
  const std::string program = TRY(sibling_program("mcpwire-demo-server"));
  std::string text = R"({"mcpServers":{)";
  for (std::size_t i = 0; i < servers; ++i) {
    // What differs in nothing but the name would be one process for all names.
    text += (i == 0 ? "\"" : ",\"") + server_name(i) + R"(":{"command":")" + program;
    text += R"(","env":{"MCP_BENCH_SERVER":")" + std::to_string(i) + "\"}}";
  }
  return create_with(text + "}}");
}

Result<OwnDaemon> OwnDaemon::create_for_url(const std::string& url) {
  return create_with(R"({"mcpServers":{"demo":{"url":")" + url + "\"}}}");
}

Result<OwnDaemon> OwnDaemon::create_with(const std::string& configuration) {
  ScratchDirectory scratch = TRY(ScratchDirectory::create());
  client::ConnectOptions options;
  options.runtime_directory = scratch.path() + "/run";
  options.config = client::ConfigReference{TRY(write_configuration(scratch, configuration)),
                                           protocol::ConfigOrigin::kExplicit};
  options.working_directory = scratch.path();
  options.client_name = "mcp-bench";
  options.daemon_program = TRY(sibling_program("mcpwired"));
  return OwnDaemon(std::move(scratch), std::move(options));
}

OwnDaemon::~OwnDaemon() {
  if (process_id_ == 0) return;
  const UniqueFd process = open_process(process_id_);
  client::ConnectOptions last = options_;
  last.auto_start = client::AutoStart::kNo;
  auto connection = client::Connection::connect(last);
  if (connection && connection->shutdown()) wait_for_process_end(process, kStopPatienceNs);
}

Result<client::Connection> OwnDaemon::connect(const client::ConnectOptions& options) {
  client::Connection connection = TRY(client::Connection::connect(options));
  process_id_ = connection.agreement().daemon_pid;
  return connection;
}

Result<ProcessorTimes> OwnDaemon::processor_times(client::Connection& connection) const {
  ProcessorTimes times{.daemon_ns = TRY(processor_time_ns(process_id_))};
  for (const client::ServerSummary& server : TRY(connection.list_servers())) {
    if (server.process_id != 0) times.servers_ns += TRY(processor_time_ns(server.process_id));
  }
  return times;
}

}  // namespace mcpwire::bench_tool
