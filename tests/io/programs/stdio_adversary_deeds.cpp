// SPDX-License-Identifier: MIT
#include "tests/io/programs/stdio_adversary.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <string>

namespace mcpwire::adversary {
namespace {

void flood_stderr(long bytes) {
  const std::string block(4096, 'e');
  for (long done = 0; done < bytes; done += 4096) {
    if (::write(STDERR_FILENO, block.data(), block.size()) < 0) return;
  }
}

[[noreturn]] void wait_for_ever() {
  for (;;) ::pause();
}

/// A process with this server's pipes that outlives it, in a session of its own if it can.
void leave_somebody_behind(bool in_own_session) {
  if (::fork() != 0) return;
  if (in_own_session) {
    ::setsid();
    if (::fork() != 0) std::_Exit(0);
  }
  wait_for_ever();
}

void close_in_order(std::initializer_list<int> streams) {
  for (const int stream : streams) ::close(stream);
  wait_for_ever();
}

}  // namespace

void add_deeds(Behaviours& all) {
  all["stderr-flood"] = [](const Moment& m) {
    flood_stderr(m.number);
    return Reply::kSend;
  };
  all["stderr-only"] = [](const Moment&) -> Reply {
    flood_stderr(100'000);
    std::cerr << "\nusage: server [options]\n" << std::flush;
    std::_Exit(2);
  };
  all["closes-stdin"] = [](const Moment& m) -> Reply {
    ::close(STDIN_FILENO);
    write_all(m.id.empty() ? kActed : answer(m) + "\n");
    wait_for_ever();
  };
  all["closes-stdout"] = [](const Moment&) -> Reply {
    ::close(STDOUT_FILENO);
    wait_for_ever();
  };
  all["closes-stderr"] = [](const Moment&) {
    ::close(STDERR_FILENO);
    return Reply::kSend;
  };
  all["closes-in-out-err"] = [](const Moment&) -> Reply {
    close_in_order({0, 1, 2});
    return Reply::kOmit;
  };
  all["closes-out-err-in"] = [](const Moment&) -> Reply {
    close_in_order({1, 2, 0});
    return Reply::kOmit;
  };
  all["closes-err-in-out"] = [](const Moment&) -> Reply {
    close_in_order({2, 0, 1});
    return Reply::kOmit;
  };
  all["exits-0"] = [](const Moment&) -> Reply { std::_Exit(0); };
  all["exits-1"] = [](const Moment&) -> Reply { std::_Exit(1); };
  all["dies-of-a-signal"] = [](const Moment&) -> Reply {
    ::raise(SIGABRT);
    std::_Exit(12);
  };
  all["exits-mid-line"] = [](const Moment& m) -> Reply {
    const std::string text = m.id.empty() ? kNotification : answer(m);
    write_all(std::string_view(text).substr(0, text.size() / 2));
    std::_Exit(3);
  };
  all["answers-and-exits"] = [](const Moment& m) -> Reply {
    if (!m.id.empty()) write_all(answer(m) + "\n");
    std::_Exit(0);
  };
  all["stops-itself"] = [](const Moment&) {
    ::raise(SIGSTOP);
    return Reply::kSend;
  };
  all["stops-reading"] = [](const Moment&) -> Reply { wait_for_ever(); };
  all["double-forks"] = [](const Moment&) {
    leave_somebody_behind(true);
    return Reply::kSend;
  };
  all["grandchild-holds-the-pipes"] = [](const Moment&) -> Reply {
    leave_somebody_behind(false);
    std::_Exit(4);
  };
  all["starts-slowly"] = [](const Moment& m) {
    ::poll(nullptr, 0, static_cast<int>(m.number));
    return Reply::kSend;
  };
  all["is-a-wrapper"] = [](const Moment&) {  // As npx is: its child serves from here on.
    const pid_t child = ::fork();
    if (child == 0) return Reply::kSend;
    ::close(STDIN_FILENO);
    int status = 0;
    ::waitpid(child, &status, 0);
    std::_Exit(WIFEXITED(status) ? WEXITSTATUS(status) : 5);
  };
  all["ignores-termination"] = [](const Moment&) -> Reply {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) std::signal(signal, SIG_IGN);
    wait_for_ever();
  };
}

}  // namespace mcpwire::adversary
