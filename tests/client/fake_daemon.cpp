// SPDX-License-Identifier: MIT
//
// A daemon for the tests of starting one, which leaves its starter. How it behaves is in
// MCPWIRE_FAKE_DAEMON:
//   (unset)   serves until MCPWIRE_FAKE_DAEMON_LIFE's writer closes it (a fifo)
//   error     says why it cannot start
//   exit      ends without a word, after a line in its log
//   hang      never gets ready
// MCPWIRE_FAKE_DAEMON_RING_IDLE_NS is after how long it gives the rings of idle connections back.
// MCPWIRE_FAKE_DAEMON_QUOTA is how much of everything all clients may hold, MiB where it is bytes.
// It writes a line to <runtime directory>/starts each time it really starts.
#include "tests/client/scripted_daemon.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using mcpwire::ring::RuntimeDirectory;

void say(int fd, std::string_view text) {
  if (::write(fd, text.data(), text.size()) < 0) std::abort();
}

void append(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  say(fd, text);
  ::close(fd);
}

/// What a daemon must not have inherited: descriptors, the session, the directory.
std::string surroundings() {
  int descriptors = 0;
  DIR* listing = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(listing)) descriptors += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(listing);
  char directory[256];
  std::string text = "descriptors " + std::to_string(descriptors - 1);  // Without the listing's.
  text += ::getsid(0) == ::getpid() ? ", own session" : ", foreign session";
  text += std::string(", cwd ") + ::getcwd(directory, sizeof directory);
  text += std::getenv("SECRET") == nullptr ? ", no secret" : ", secret";
  return text + "\n";
}

/// As mcpwired does: what the client spawned only starts the daemon. It ends only after the daemon
/// has closed the descriptor that is returned, and not at once even then.
int leave_starter() {
  constexpr int kReluctance = 2000;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const pid_t daemon = ::fork();
  if (daemon < 0) std::abort();
  if (daemon > 0) {
    ::close(ends[1]);
    char end;
    [[maybe_unused]] const ssize_t got = ::read(ends[0], &end, 1);
    for (int turn = 0; turn < kReluctance; ++turn) ::sched_yield();
    ::_exit(0);
  }
  ::close(ends[0]);
  ::setsid();
  return ends[1];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || std::string_view(argv[1]) != "--runtime-dir" ||
      std::string_view(argv[3]) != "--ready-fd") {
    return 2;
  }
  const std::string directory_path = argv[2];
  const int ready = std::atoi(argv[4]);
  const char* behaviour_text = std::getenv("MCPWIRE_FAKE_DAEMON");
  const std::string_view behaviour = behaviour_text == nullptr ? "" : behaviour_text;
  if (behaviour == "error") {
    say(ready, "error: the moon is wrong\n");
    return 1;
  }
  if (behaviour == "exit") {
    append(directory_path + "/daemon.log", "it all went wrong\n");
    return 1;
  }
  if (behaviour == "hang") {
    for (;;) ::pause();
  }
  const std::string found = surroundings();
  const int life_line = leave_starter();
  const auto directory = RuntimeDirectory::open(directory_path);
  if (!directory) return 3;
  const auto lock = directory->try_lock_daemon();
  if (!lock || !lock->has_value()) {
    say(ready, "error: another daemon runs\n");
    return 1;
  }
  append(directory_path + "/starts", found);
  mcpwire::io::ChannelHostOptions options;
  if (const char* idle_ns = std::getenv("MCPWIRE_FAKE_DAEMON_RING_IDLE_NS")) {
    options.ring_idle_ns = std::strtoull(idle_ns, nullptr, 10);
  }
  if (const char* whole = std::getenv("MCPWIRE_FAKE_DAEMON_QUOTA")) {
    options.quota.fill(std::strtoull(whole, nullptr, 10));
    using mcpwire::ring::Resource;
    for (const Resource bytes : {Resource::kBytes, Resource::kAnswerBytes, Resource::kSlabBytes}) {
      options.quota[mcpwire::ring::index_of(bytes)] <<= 20;
    }
  }
  const mcpwire::test_support::ScriptedDaemon daemon(directory_path, options);
  const int life = ::open((directory_path + "/life").c_str(), O_RDONLY | O_CLOEXEC);
  say(ready, "ready\n");
  ::close(life_line);
  ::close(ready);
  char end;
  return ::read(life, &end, 1) == 0 ? 0 : 4;
}
