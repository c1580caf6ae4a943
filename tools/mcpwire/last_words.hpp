// SPDX-License-Identifier: MIT
//
// What `mcpwire` says and which exit code it has when it can go on no longer, for want of memory
// above all: a call that was sent may have happened, whatever became of us.
//
// Threading: one thread; process-wide.
#pragma once

#include "protocol/outcome.hpp"

namespace mcpwire::cli {

/// An exception that nobody caught ends the process with a message and exit code 3 or 6.
void install_last_words() noexcept;

/// From here on a tool may run.
void note_call_begins() noexcept;

/// Of a command whose failure is our own: kUnknown once a call may have been sent, else kNotSent.
protocol::ExitCode own_failure_code() noexcept;

}  // namespace mcpwire::cli
