// SPDX-License-Identifier: MIT
#include "tests/process/cli_fixture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace mcpwire::test {
namespace {

constexpr int kWatchdogMs = 60'000;

struct Ends {
  UniqueFd read;
  UniqueFd write;
};

Ends make_pipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// What sanitizers, coverage and the run on the other backend are told by the surroundings.
bool belongs_to_the_build(std::string_view entry) {
  for (const char* const prefix : {"ASAN_", "LSAN_", "TSAN_", "UBSAN_", "LLVM_PROFILE",
                                   "MCPWIRE_IO_BACKEND", "MCPWIRE_SHARDS"}) {
    if (entry.starts_with(prefix)) return true;
  }
  return false;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

void read_some(UniqueFd& fd, std::string& text) {
  std::array<char, 64 * 1024> piece;
  const ssize_t bytes = ::read(fd.get(), piece.data(), piece.size());
  if (bytes > 0) {
    text.append(piece.data(), static_cast<std::size_t>(bytes));
  } else {
    fd.reset();
  }
}

}  // namespace

RunningProgram::~RunningProgram() {
  if (process_id_ <= 0) return;
  ::kill(process_id_, SIGKILL);
  ::waitpid(process_id_, nullptr, 0);
}

void RunningProgram::signal(int number) const { ::kill(process_id_, number); }

void RunningProgram::wait_for_output() const {
  pollfd waiting{out_.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, kWatchdogMs), 1) << "nothing was printed";
}

void RunningProgram::write(std::string_view text) {
  EXPECT_EQ(::write(in_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

const std::string& RunningProgram::await(std::string_view part) {
  while (seen_.find(part) == std::string::npos) {
    pollfd waiting{out_.get(), POLLIN, 0};
    const int ready = out_ ? ::poll(&waiting, 1, kWatchdogMs) : 0;
    if (ready <= 0) {
      ADD_FAILURE() << "'" << part << "' never came, only: " << seen_;
      break;
    }
    read_some(out_, seen_);
  }
  return seen_;
}

Finished RunningProgram::finish() {
  Finished finished;
  finished.out = std::exchange(seen_, {});
  const auto start = std::chrono::steady_clock::now();
  while (out_ || err_) {
    std::array<pollfd, 2> waiting = {pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}};
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    const int left = kWatchdogMs - static_cast<int>(waited.count());
    if (left <= 0 || ::poll(waiting.data(), waiting.size(), left) == 0) {
      ADD_FAILURE() << "the program hangs";
      ::kill(process_id_, SIGKILL);
      break;
    }
    if (waiting[0].revents != 0) read_some(out_, finished.out);
    if (waiting[1].revents != 0) read_some(err_, finished.err);
  }
  int status = 0;
  ::waitpid(process_id_, &status, 0);
  process_id_ = -1;
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

Terminal::Terminal() : outer(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  EXPECT_EQ(::grantpt(outer.get()), 0);
  EXPECT_EQ(::unlockpt(outer.get()), 0);
  inner.reset(::open(::ptsname(outer.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
}

void Terminal::type(std::string_view text) const {
  EXPECT_EQ(::write(outer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

std::string Terminal::see() const {
  std::array<char, 64 * 1024> piece;
  const ssize_t bytes = ::read(outer.get(), piece.data(), piece.size());
  return std::string(piece.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
}

std::string Terminal::await(std::string_view part) const {
  std::string seen;
  while (seen.find(part) == std::string::npos) {
    pollfd waiting{outer.get(), POLLIN, 0};
    if (::poll(&waiting, 1, kWatchdogMs) <= 0) {
      ADD_FAILURE() << "'" << part << "' never came, only: " << seen;
      break;
    }
    seen += see();
  }
  return seen;
}

std::string CliFixture::program(const std::string& name) {
  return name.starts_with('/') ? name : std::string(MCPWIRE_BIN_DIRECTORY) + '/' + name;
}

CliFixture::CliFixture() {
  std::string path = "/tmp/mcpwire-test.XXXXXX";
  EXPECT_NE(::mkdtemp(path.data()), nullptr);
  root_ = path;
  for (const char* const name : {"/work", "/home", "/run"}) {
    EXPECT_EQ(::mkdir((root_ + name).c_str(), 0700), 0);
  }
  // A pipe whose reader left must fail the write, not the test.
  ::signal(SIGPIPE, SIG_IGN);
  environment = {{"HOME", home()},
                 {"PATH", "/usr/local/bin:/usr/bin:/bin"},
                 {"MCPWIRE_RUNTIME_DIR", root_ + "/run"}};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!belongs_to_the_build(text)) continue;
    const std::size_t equals = text.find('=');
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
}

CliFixture::~CliFixture() {
  run({"daemon", "stop"});
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

RunningProgram CliFixture::start(const std::vector<std::string>& arguments, const Launch& launch) {
  Ends in = make_pipe();
  Ends out = make_pipe();
  Ends err = make_pipe();
  std::vector<std::string> words = {program(launch.program)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(name + '=' + value);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, launch.in_fd >= 0 ? launch.in_fd : in.read.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, launch.out_fd >= 0 ? launch.out_fd : out.write.get(),
                                     1);
  ::posix_spawn_file_actions_adddup2(&actions, launch.err_fd >= 0 ? launch.err_fd : err.write.get(),
                                     2);
  const std::string directory = launch.directory.empty() ? work() : launch.directory;
  ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  // As from a shell's foreground, also where the test itself runs in the background.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE}) ::sigaddset(&defaults, number);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t process_id = -1;
  const int fault = ::posix_spawn(&process_id, words[0].c_str(), &actions, &attributes,
                                  pointers(words).data(), pointers(variables).data());
  EXPECT_EQ(fault, 0) << words[0];
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (launch.out_fd >= 0) out.read.reset();
  if (launch.err_fd >= 0) err.read.reset();
  return RunningProgram(process_id, std::move(in.write), std::move(out.read), std::move(err.read));
}

Finished CliFixture::run(const std::vector<std::string>& arguments, const Launch& launch) {
  RunningProgram running = start(arguments, launch);
  if (launch.input) {
    if (!launch.input->empty()) running.write(*launch.input);
    running.close_input();
  }
  return running.finish();
}

pid_t CliFixture::daemon_pid() {
  const std::string out = run({"daemon", "status", "--json"}).out;
  const std::size_t at = out.find("\"pid\":");
  return at == std::string::npos ? 0 : std::stoi(out.substr(at + 6));
}

void CliFixture::write_file(const std::string& path, const std::string& text, unsigned mode) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::trunc) << text;
  EXPECT_EQ(::chmod(path.c_str(), mode), 0);
}

std::string CliFixture::read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void CliFixture::use_configuration(const std::string& text) {
  environment["MCPWIRE_CONFIG"] = root_ + "/servers.json";
  write_file(environment["MCPWIRE_CONFIG"], text);
}

void CliFixture::use_demo_server() {
  use_configuration(R"({"mcpServers":{"demo":{"command":")" + program("mcpwire-demo-server") +
                    R"(","env":{"MCPWIRE_LEDGER":")" + root_ + R"(/ledger"}}}})");
}

}  // namespace mcpwire::test
