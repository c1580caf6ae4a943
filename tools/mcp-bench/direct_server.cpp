// SPDX-License-Identifier: MIT
#include "tools/mcp-bench/direct_server.hpp"

#include "protocol/mcp/revision.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>

#include <array>
#include <utility>

namespace mcpwire::bench_tool {

Result<DirectServer> DirectServer::start(const std::string& program) {
  std::array<int, 2> to_server{};
  std::array<int, 2> from_server{};
  if (::pipe2(to_server.data(), O_CLOEXEC) != 0 || ::pipe2(from_server.data(), O_CLOEXEC) != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, errno, "pipe2"));
  }
  const UniqueFd child_input(to_server[0]);
  const UniqueFd child_output(from_server[1]);
  DirectServer server{UniqueFd(to_server[1]), UniqueFd(from_server[0])};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, child_input.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, child_output.get(), STDOUT_FILENO);
  std::string name = program;
  std::array<char*, 2> arguments = {name.data(), nullptr};
  const int failure = ::posix_spawn(&server.process_id_, program.c_str(), &actions, nullptr,
                                    arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return fail(Error::from_errno(ErrorKind::kInternal, failure, program));
  return server;
}

DirectServer::DirectServer(UniqueFd input, UniqueFd output) noexcept
    : input_(std::move(input)), output_(std::move(output)) {}

DirectServer::DirectServer(DirectServer&& other) noexcept
    : input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      process_id_(std::exchange(other.process_id_, -1)) {}

DirectServer::~DirectServer() {
  input_.reset();
  if (process_id_ > 0) ::waitpid(process_id_, nullptr, 0);
}

Result<void> DirectServer::initialize() {
  using protocol::mcp::facts_of;
  std::string line =
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")";
  line += facts_of(protocol::mcp::kNewestLegacyRevision).name;
  line += R"(","capabilities":{},"clientInfo":{"name":"mcp-bench","version":"0"}}})";
  TRY(exchange(line + '\n'));
  return write_all("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
}

Result<std::string_view> DirectServer::exchange(std::string_view line) {
  TRY(write_all(line));
  buffer_.clear();
  while (buffer_.empty() || buffer_.back() != '\n') {
    std::array<char, 64 * 1024> chunk;
    const ssize_t got = ::read(output_.get(), chunk.data(), chunk.size());
    if (got <= 0) return fail(ErrorKind::kDisconnected, ErrorCode::kServerExited);
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return std::string_view(buffer_);
}

Result<void> DirectServer::write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(input_.get(), text.data(), text.size());
    if (written <= 0) return fail(ErrorKind::kDisconnected, ErrorCode::kServerExited);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace mcpwire::bench_tool
