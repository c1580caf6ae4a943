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

#include <optional>
#include <string_view>

namespace mcpwire::cli {

class Interaction {
 public:
  /// Begins; all three outlive it, and the connection is not used after it.
  Interaction(Context& context, client::Connection& connection, const Interrupt& interrupt);

  /// The `_meta` of the calls: a modern server logs only to those who ask for it.
  std::string_view meta() const noexcept;

 private:
  void show_progress(std::string_view params);
  void show_message(const client::Notification& notification);
  std::optional<client::ServerAnswer> answer(const client::ServerQuestion& question);

  Context& context_;
  const Interrupt& interrupt_;
};

}  // namespace mcpwire::cli
