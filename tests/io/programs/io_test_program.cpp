// SPDX-License-Identifier: MIT
//
// What the process tests start: children that misbehave in one way each, and parents that are
// killed. The first argument names the part to play.
#include "io/cgroup_tree.hpp"
#include "io/guardian.hpp"
#include "io/guardian_main.hpp"
#include "io/process_spawner.hpp"
#include "io/warden.hpp"
#include "tests/io/chosen_loop.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace mcpwire::io {
namespace {

using Arguments = std::vector<std::string>;

int idle(const Arguments&) {
  for (;;) pause();
}

int ignore_termination(const Arguments&) {
  std::signal(SIGTERM, SIG_IGN);
  std::cout << "ready" << std::endl;
  for (;;) pause();
}

int flood_stderr(const Arguments& arguments) {
  const std::string block(1000, 'e');
  const long blocks = std::stol(arguments.at(0)) / 1000;
  for (long i = 0; i < blocks; ++i) std::cerr << block;
  std::cout << "done" << std::endl;
  return EXIT_SUCCESS;
}

int exit_with(const Arguments& arguments) { return std::stoi(arguments.at(0)); }

int abort_now(const Arguments&) {
  std::raise(SIGKILL);
  return EXIT_FAILURE;
}

/// What this process was given, one fact per line.
int report(const Arguments& arguments) {
  for (const std::string& argument : arguments) std::cout << "argument=" << argument << '\n';
  for (char** entry = environ; *entry != nullptr; ++entry)
    std::cout << "environment=" << *entry << '\n';
  std::array<char, 4096> directory{};
  std::cout << "directory=" << getcwd(directory.data(), directory.size()) << '\n';
  std::cout << "leads_group=" << (getpgrp() == getpid()) << '\n';
  std::cout << "leads_session=" << (getsid(0) == getpid()) << '\n';
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigBlk") || line.starts_with("SigIgn")) std::cout << line << '\n';
  }
  for (int fd = 3; fd < 1024; ++fd) {
    std::array<char, 256> target{};
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    if (readlink(path.c_str(), target.data(), target.size() - 1) <= 0) continue;
    if (std::strncmp(target.data(), "/proc/", 6) != 0)
      std::cout << "open=" << target.data() << '\n';
  }
  return EXIT_SUCCESS;
}

/// A daemon in small: a guardian and a spawner on a real loop.
struct Owner {
  std::unique_ptr<Loop> loop = create_chosen_loop().value();
  std::unique_ptr<Guardian> guardian =
      Guardian::start(*loop, {.program = "/proc/self/exe", .arguments = {"guardian"}}).value();
  UringProcessSpawner spawner{*loop, *guardian};

  std::unique_ptr<ChildProcess> start(Arguments arguments) {
    return spawner.spawn({"/proc/self/exe", std::move(arguments), {}, "/"}).value();
  }
  [[noreturn]] void run() {
    for (;;) loop->run_once(kNanosecondsPerSecond);
  }
};

int own(const Arguments& arguments) {
  Owner owner;
  const auto wrapper = owner.start({"wrap", arguments.at(0)});
  std::cout << owner.guardian->process_id() << std::endl;
  owner.run();
}

/// As `own`, but its first guardian dies while the children run.
int own_with_new_guardian(const Arguments& arguments) {
  Owner owner;
  const auto wrapper = owner.start({"wrap", arguments.at(0)});
  const std::int32_t first = owner.guardian->process_id();
  kill(first, SIGKILL);
  while (owner.guardian->process_id() == first || owner.guardian->process_id() == 0) {
    owner.loop->run_once(kNanosecondsPerSecond);
  }
  std::cout << owner.guardian->process_id() << std::endl;
  owner.run();
}

/// Starts children for ever, until it is killed.
int own_and_spawn(const Arguments& arguments) {
  Owner owner;
  std::vector<std::unique_ptr<ChildProcess>> children;
  for (;;) {
    children.push_back(owner.start({"wrap", arguments.at(0)}));
    std::cout << "." << std::flush;
    if (children.size() == 20) children.clear();
    owner.loop->run_once(0);
  }
}

/// A wrapper as npx is one: the real server is its child and shares its pipes.
int wrap(const Arguments& arguments) {
  if (fork() == 0) {
    execl("/proc/self/exe", "io_test_program", "idle", arguments.at(0).c_str(), nullptr);
    _exit(EXIT_FAILURE);
  }
  return idle({});
}

/// As `wrap`, but the wrapper does not listen to SIGTERM; its child does.
int wrap_deaf(const Arguments& arguments) {
  if (fork() == 0) {
    execl("/proc/self/exe", "io_test_program", "idle", arguments.at(0).c_str(), nullptr);
    _exit(EXIT_FAILURE);
  }
  std::signal(SIGTERM, SIG_IGN);
  std::cout << "ready" << std::endl;
  return idle({});
}

/// As `wrap`, but the wrapper ends at once.
int wrap_and_exit(const Arguments& arguments) {
  std::cout << "started" << std::endl;
  if (fork() == 0) {
    execl("/proc/self/exe", "io_test_program", "idle", arguments.at(0).c_str(), nullptr);
    _exit(EXIT_FAILURE);
  }
  return EXIT_SUCCESS;
}

/// Leaves its group, its session and its parent behind, lives on, and shares no pipe.
int escape(const Arguments& arguments) {
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(EXIT_SUCCESS);
    for (int stream = 0; stream < 3; ++stream) close(stream);
    execl("/proc/self/exe", "io_test_program", "idle", arguments.at(0).c_str(), nullptr);
    _exit(EXIT_FAILURE);
  }
  wait(nullptr);
  std::cout << "escaped" << std::endl;
  return idle({});
}

/// As `own`, with a server that escapes, below a warden; `cgroup` as second argument: in a cgroup,
/// and without a warden.
int own_escape(const Arguments& arguments) {
  const bool in_cgroup = arguments.size() > 1;
  if (!in_cgroup && !go_on_under_warden().has_value()) return EXIT_FAILURE;
  Owner owner;
  std::unique_ptr<CgroupTree> cgroups;
  if (in_cgroup) {
    cgroups = CgroupTree::create(*owner.loop).value();
    owner.guardian =
        Guardian::start(*owner.loop, {"/proc/self/exe", {"guardian", cgroups->path()}}).value();
  }
  UringProcessSpawner spawner(*owner.loop, *owner.guardian, cgroups.get());
  const auto server =
      spawner.spawn({"/proc/self/exe", {"escape", arguments.at(0)}, {}, "/"}).value();
  std::cout << getpid() << ' ' << (cgroups ? cgroups->path() : "-") << std::endl;
  owner.run();
}

int guardian(const Arguments& arguments) {
  return guardian_main(STDIN_FILENO, arguments.empty() ? "" : arguments[0]);
}

using Part = int (*)(const Arguments&);
const std::map<std::string_view, Part> kParts = {
    {"idle", idle},
    {"ignore-termination", ignore_termination},
    {"flood-stderr", flood_stderr},
    {"exit", exit_with},
    {"abort", abort_now},
    {"report", report},
    {"own", own},
    {"own-with-new-guardian", own_with_new_guardian},
    {"own-and-spawn", own_and_spawn},
    {"escape", escape},
    {"own-escape", own_escape},
    {"wrap", wrap},
    {"wrap-deaf", wrap_deaf},
    {"wrap-and-exit", wrap_and_exit},
    {"guardian", guardian},
};

}  // namespace
}  // namespace mcpwire::io

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  if (arguments.empty()) return EXIT_FAILURE;
  const auto part = mcpwire::io::kParts.find(arguments[0]);
  if (part == mcpwire::io::kParts.end()) return EXIT_FAILURE;
  return part->second({arguments.begin() + 1, arguments.end()});
}
