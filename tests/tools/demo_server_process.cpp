// SPDX-License-Identifier: MIT
#include "tests/tools/demo_server_process.hpp"

#include "protocol/base/check.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace mcpwire::demo::test {
namespace {

constexpr int kWatchdogMs = 60'000;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe make_pipe() {
  std::array<int, 2> fds{};
  MCPWIRE_CHECK(::pipe2(fds.data(), O_CLOEXEC) == 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void set_nonblocking(int fd) {
  MCPWIRE_CHECK(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

}  // namespace

DemoServer::DemoServer(std::vector<std::string> environment, Pipes pipes) {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  if (pipes == Pipes::kNonBlocking) {
    set_nonblocking(in.read.get());
    set_nonblocking(out.write.get());
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  std::string path = MCPWIRE_DEMO_SERVER_PATH;
  std::array<char*, 2> arguments = {path.data(), nullptr};
  std::vector<char*> variables;
  for (std::string& variable : environment) variables.push_back(variable.data());
  variables.push_back(nullptr);
  const int error =
      ::posix_spawn(&pid_, path.c_str(), &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  MCPWIRE_CHECK(error == 0);
  input_ = std::move(in.write);
  output_ = std::move(out.read);
  error_ = std::move(err.read);
  ::signal(SIGPIPE, SIG_IGN);
}

DemoServer::~DemoServer() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

void DemoServer::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(input_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    ASSERT_GT(written, 0) << "the server reads no more";
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// False at the end of the stream.
bool DemoServer::fill(int fd, std::string& buffer) {
  pollfd ready{fd, POLLIN, 0};
  if (::poll(&ready, 1, kWatchdogMs) <= 0) {
    ADD_FAILURE() << "watchdog: the server says nothing";
    return false;
  }
  std::array<char, 65536> bytes;
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  if (got <= 0) return false;
  buffer.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

std::string DemoServer::read_line() {
  std::size_t scanned = 0;
  for (;;) {
    const std::size_t newline = buffer_.find('\n', scanned);
    if (newline != buffer_.npos) {
      std::string line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return line;
    }
    scanned = buffer_.size();
    if (!fill(output_.get(), buffer_)) return {};
  }
}

json DemoServer::ask(json id, std::string_view method, json params) {
  send({{"jsonrpc", "2.0"},
        {"id", std::move(id)},
        {"method", method},
        {"params", std::move(params)}});
  return receive();
}

json DemoServer::call(json id, std::string_view tool, json arguments) {
  return ask(std::move(id), "tools/call", {{"name", tool}, {"arguments", std::move(arguments)}});
}

void DemoServer::initialize(std::string_view revision) {
  const json answer = ask("init", "initialize",
                          {{"protocolVersion", revision},
                           {"capabilities", json::object()},
                           {"clientInfo", {{"name", "test"}, {"version", "1"}}}});
  ASSERT_EQ(answer["result"]["protocolVersion"], revision);
  send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
}

std::string DemoServer::read_error() {
  std::string text;
  while (fill(error_.get(), text)) {
  }
  return text;
}

int DemoServer::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace mcpwire::demo::test
