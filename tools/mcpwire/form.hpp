// SPDX-License-Identifier: MIT
//
// ask_person: an elicitation of a server, put to the person at the terminal. A form's fields are
// asked one after the other; a page is only shown, never opened.
//
// Threading: blocks.
#pragma once

#include "tools/mcpwire/output.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::cli {

/// Where a person's answers come from, line by line.
class Lines {
 public:
  /// Without its line break. Nothing: the end, or Ctrl-C.
  virtual std::optional<std::string> next() = 0;

 protected:
  ~Lines() = default;
};

/// A terminal. The interrupt is left for whoever waits for the call: it ends that, too.
class TerminalLines final : public Lines {
 public:
  TerminalLines(int fd, int interrupt_fd) noexcept : fd_(fd), interrupt_fd_(interrupt_fd) {}
  std::optional<std::string> next() override;
  bool was_interrupted() const noexcept { return was_interrupted_; }

 private:
  int fd_;
  int interrupt_fd_;
  bool was_interrupted_ = false;
};

/// The ElicitResult as JSON: accept with the content, decline, or cancel where the lines end.
/// `params_json` of elicitation/create; what cannot be asked (an unknown type) is declined.
std::string ask_person(std::string_view params_json, std::string_view server, Output& out,
                       Lines& lines);

}  // namespace mcpwire::cli
