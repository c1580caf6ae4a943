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

Result<std::string> write_configuration(const ScratchDirectory& scratch) {
  const std::string path = scratch.path() + "/servers.json";
  const std::string server = TRY(sibling_program("mcpwire-demo-server"));
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(Error::from_errno(ErrorKind::kConfiguration, errno, path));
  std::fprintf(file, R"({"mcpServers":{"demo":{"command":"%s"}}})", server.c_str());
  if (std::fclose(file) != 0)
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno, path));
  return path;
}

}  // namespace

OwnDaemon::OwnDaemon(ScratchDirectory scratch, client::ConnectOptions options) noexcept
    : scratch_(std::move(scratch)), options_(std::move(options)) {}

OwnDaemon::OwnDaemon(OwnDaemon&& other) noexcept
    : scratch_(std::move(other.scratch_)),
      options_(std::move(other.options_)),
      process_id_(std::exchange(other.process_id_, 0)) {}

Result<OwnDaemon> OwnDaemon::create() {
  ScratchDirectory scratch = TRY(ScratchDirectory::create());
  client::ConnectOptions options;
  options.runtime_directory = scratch.path() + "/run";
  options.config =
      client::ConfigReference{TRY(write_configuration(scratch)), protocol::ConfigOrigin::kExplicit};
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

Result<std::uint64_t> OwnDaemon::processor_time_ns() const {
  clockid_t clock{};
  timespec time{};
  const int failure = ::clock_getcpuclockid(process_id_, &clock);
  if (failure != 0 || ::clock_gettime(clock, &time) != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, failure != 0 ? failure : errno,
                                  "processor time of the daemon"));
  }
  return static_cast<std::uint64_t>(time.tv_sec) * kNanosecondsPerSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace mcpwire::bench_tool
