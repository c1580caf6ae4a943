// SPDX-License-Identifier: MIT
//
// Interaction: what happens on the terminal while a call runs: its progress, and the questions of
// its server. Questions are put to a person only where standard input and standard error are
// terminals and --no-input was not given; else the client declares that it can answer none.
//
// Threading: one thread.
#pragma once

#include "client/connection.hpp"
#include "tools/mcpwire/commands.hpp"
#include "tools/mcpwire/interrupt.hpp"
#include "tools/mcpwire/trace_context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::cli {

class Interaction {
 public:
  /// Begins; all three outlive it, and the connection is not used after it.
  Interaction(Context& context, client::Connection& connection, const Interrupt& interrupt);

  /// The `_meta` of a request with these parameters, or empty: a modern server logs only to those
  /// who ask for it, and the vendors' part of the trace context goes along unless the parameters
  /// bring a `_meta` of their own.
  std::string meta(std::string_view params = {}) const;
  /// Of the caller's trace; zero: it has none. A `traceparent` in a `_meta` comes before it.
  const TraceParent& trace_parent() const noexcept { return trace_.parent; }

 private:
  void show_progress(std::string_view params);
  void show_message(const client::Notification& notification);
  std::optional<client::ServerAnswer> answer(const client::ServerQuestion& question);

  Context& context_;
  const Interrupt& interrupt_;
  const TraceContext trace_;
};

}  // namespace mcpwire::cli
