// SPDX-License-Identifier: MIT
//
// CommandLine: what the user asked for, checked as far as that is possible without looking at the
// world. Parsing touches nothing outside its arguments.
//
// Threading: a pure function and values.
#pragma once

#include "protocol/outcome.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace mcpwire::cli {

enum class Command : std::uint8_t {
  kList,
  kInfo,
  kCall,
  kPing,
  kDaemonStart,
  kDaemonStatus,
  kDaemonStop,
  kApprove,
  kRequest,
  kResources,
  kTemplates,
  kPrompts,
  kRead,
  kPrompt,
  kComplete,
  kListen,
};

enum class Format : std::uint8_t { kText, kJson };
enum class Consent : std::uint8_t { kAsk, kGiven };
enum class Progress : std::uint8_t { kHide, kShow };
/// Whether a person may be asked what a server wants to know.
enum class Input : std::uint8_t { kAsk, kNever };

struct CommandLine {
  Command command = Command::kList;
  std::string config_path;  ///< -c; empty: to be discovered.
  Format format = Format::kText;
  std::uint64_t timeout_ns = 0;          ///< --timeout; 0: the default.
  std::uint64_t started_ns = 0;          ///< What --timeout counts from; 0: whenever it is asked.
  std::uint32_t concurrency = 0;         ///< --concurrency; 0: the daemon's default.
  std::string server;                    ///< list: empty for all.
  std::string tool;                      ///< Or URI, prompt, method. info: empty for the server.
  std::optional<std::string> arguments;  ///< call: JSON, "-" for standard input.
  std::string argument;                  ///< complete: the argument's name.
  std::string value;                     ///< complete: what it begins with.
  bool is_template = false;              ///< complete: `tool` is a resource template.
  bool wants_all_pages = false;          ///< request.
  std::vector<std::string> uris;         ///< listen.
  Progress progress = Progress::kHide;
  Input input = Input::kAsk;
  std::string approve_path;  ///< approve; empty: to be discovered.
  Consent consent = Consent::kAsk;
};

/// Nothing is to be run: help was asked for, or the command line is wrong.
struct CommandLineEnd {
  protocol::ExitCode exit_code = protocol::ExitCode::kUsage;
  std::string text;               ///< For stdout where exit_code is kOk, else for stderr.
  std::string message;            ///< What is wrong, without the rest; empty where nothing is.
  Format format = Format::kText;  ///< kJson: --json was among the words, however wrong they are.
};

std::expected<CommandLine, CommandLineEnd> parse_command_line(int argc, const char* const* argv);

/// "mcpwire 0.1.0"
inline constexpr const char* kProgramName = "mcpwire " MCPWIRE_VERSION;

}  // namespace mcpwire::cli
