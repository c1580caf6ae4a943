// SPDX-License-Identifier: MIT
#include "tools/mcp-bench/http_server.hpp"

#include "protocol/base/unique_fd.hpp"
#include "tools/mcp-bench/host.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace mcpwire::bench_tool {

Result<HttpServerProcess> HttpServerProcess::start() {
  std::string program = TRY(sibling_program("mcpwire-demo-server"));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, errno, "pipe2"));
  }
  const UniqueFd output(ends[0]);
  UniqueFd child_output(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, child_output.get(), STDOUT_FILENO);
  std::string http = "--http";
  std::string any_port = "0";
  std::array<char*, 4> arguments = {program.data(), http.data(), any_port.data(), nullptr};
  HttpServerProcess server;
  const int failure = ::posix_spawn(&server.process_id_, program.c_str(), &actions, nullptr,
                                    arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return fail(Error::from_errno(ErrorKind::kInternal, failure, program));
  child_output.reset();
  char c = 0;
  while (::read(output.get(), &c, 1) == 1 && c != '\n') server.url_ += c;
  if (c != '\n') return fail(ErrorKind::kDisconnected, ErrorCode::kServerExited);
  return server;
}

HttpServerProcess::~HttpServerProcess() {
  if (process_id_ <= 0) return;
  ::kill(process_id_, SIGKILL);
  ::waitpid(process_id_, nullptr, 0);
}

}  // namespace mcpwire::bench_tool
