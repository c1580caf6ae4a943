// SPDX-License-Identifier: MIT
#include "tools/mcpwire/last_words.hpp"

#include <unistd.h>

#include <cstring>
#include <exception>
#include <new>

namespace mcpwire::cli {
namespace {

bool call_has_begun = false;

/// Without memory: nothing is put together first.
void say(const char* text) noexcept {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

void say_reason() noexcept {
  try {
    if (const std::exception_ptr failure = std::current_exception())
      std::rethrow_exception(failure);
    say("internal error");
  } catch (const std::bad_alloc&) {
    say("out of memory");
  } catch (const std::exception& error) {
    say("internal error: ");
    say(error.what());
  } catch (...) {
    say("internal error");
  }
}

[[noreturn]] void end_with_last_words() noexcept {
  say("mcpwire: ");
  say_reason();
  say(call_has_begun ? " (the call was sent: it may have happened)\n" : " (nothing was sent)\n");
  ::_exit(static_cast<int>(own_failure_code()));
}

}  // namespace

void install_last_words() noexcept { std::set_terminate(end_with_last_words); }

protocol::ExitCode own_failure_code() noexcept {
  return call_has_begun ? protocol::ExitCode::kUnknown : protocol::ExitCode::kNotSent;
}

void note_call_begins() noexcept { call_has_begun = true; }

}  // namespace mcpwire::cli
