// SPDX-License-Identifier: MIT
#include "tests/interop/node_server.hpp"

#include "protocol/base/check.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace mcpwire::test {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::uint16_t free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  MCPWIRE_CHECK(::bind(socket.get(), generic, bytes) == 0);
  MCPWIRE_CHECK(::getsockname(socket.get(), generic, &bytes) == 0);
  return ntohs(address.sin_port);
}

void NodeServer::start() {
  std::array<int, 2> ends{};
  MCPWIRE_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0);
  output_ = UniqueFd(ends[0]);
  const UniqueFd write_end(ends[1]);
  // A test that is killed takes the server with it.
  std::vector<std::string> arguments = {"setpriv", "--pdeathsig", "KILL"};
  arguments.insert(arguments.end(), command_.arguments.begin(), command_.arguments.end());
  std::vector<std::string> environment = command_.environment;
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    environment.emplace_back(*variable);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDERR_FILENO);
  const int error = ::posix_spawnp(&process_, arguments[0].c_str(), &actions, nullptr,
                                   pointers_to(arguments).data(), pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  ASSERT_EQ(error, 0) << "setpriv (util-linux) cannot be started";
  text_.clear();
  has_ended_ = false;
  reader_ = std::thread([this] { read_output(); });
  ASSERT_TRUE(wait_for(command_.ready)) << text_;
}

void NodeServer::stop() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  reader_.join();
}

bool NodeServer::wait_for(std::string_view text) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return has_ended_ || text_.find(text) != std::string::npos; });
  return text_.find(text) != std::string::npos;
}

void NodeServer::read_output() {
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t bytes = ::read(output_.get(), buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    const std::lock_guard lock(mutex_);
    if (bytes > 0) text_.append(buffer.data(), static_cast<std::size_t>(bytes));
    has_ended_ = bytes <= 0;
    changed_.notify_all();
    if (has_ended_) return;
  }
}

}  // namespace mcpwire::test
