// SPDX-License-Identifier: MIT
#include "tools/mcpwire/command_line.hpp"

#include "daemon/config/duration.hpp"
#include "daemon/config/escape.hpp"
#include "daemon/config/nearest_name.hpp"
#include "tools/detail/help_format.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire::cli {
namespace {

constexpr std::uint32_t kConcurrencyMax = 64;

constexpr const char* kExamples = R"(
Examples:
  mcpwire list                                every tool of every server
  mcpwire info files/read_file                what a tool wants
  mcpwire call files/read_file '{"path":"/etc/hostname"}'
  echo '{"a":1}' | mcpwire call demo/add      arguments from standard input
  mcpwire call demo/add '{"a":1,"b":2}' --json --timeout 5s
  mcpwire -c servers.json list                another configuration
  mcpwire approve ./.mcp.json                 allow the commands of a file here
  mcpwire resources files                     likewise templates, prompts
  mcpwire read files/file:///etc/hostname     a resource: its text or its bytes
  mcpwire prompt demo/greet '{"name":"Ann"}'  a prompt's messages
  mcpwire complete demo/greet name A          what the argument may go on with
  mcpwire request demo tools/list '{}'        any request of MCP, its raw result
  mcpwire listen demo                         its notifications, until Ctrl-C

The configuration is -c FILE, else $MCPWIRE_CONFIG, ./mcp_servers.json,
./.mcp.json, ~/.config/mcp/mcp_servers.json. The daemon is started when it is
needed. $TRACEPARENT and $TRACESTATE (W3C trace context) go along with what is
sent to servers.

Exit codes:
  0  ok
  1  usage or configuration; nothing was sent
  2  the server answered with an error
  3  not sent or rejected: repeating it is safe
  4  the server wants authorization
  5  the tool ran and reported an error
  6  unknown: it was sent and may have happened
  7  cancelled
`daemon status` is 3 where none runs or it does not answer. An output that
cannot be written is 6 after a call, else 3; a reader that closes it early
changes nothing. Ctrl-C while nobody reads the output ends mcpwire by that
signal. Where there is no result, --json prints why, as one object.)";

/// What CLI11 fills in; turned into a CommandLine when the parse is over.
struct Texts {
  std::string timeout;
  std::string first;
  std::string second;
  std::string third;
  bool json = false;
  bool yes = false;
  bool progress = false;
  bool no_input = false;
};

class Parser {
 public:
  Parser() : app_("Calls tools of MCP servers through a daemon that keeps them warm.", "mcpwire") {
    app_.formatter(std::make_shared<tools::HelpFormat>());
    app_.footer(kExamples);
    app_.set_version_flag("--version", kProgramName);
    app_.require_subcommand(1);
    app_.add_option("-c,--config", line_.config_path, "Configuration file")
        ->type_name("FILE")
        ->check(not_empty());
    add_queries();
    add_call();
    add_messages();
    add_daemon();
    add_approve();
  }

  std::expected<CommandLine, CommandLineEnd> parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      std::ostringstream out;
      std::ostringstream fault;
      const int code = app_.exit(error, out, fault);
      if (code == 0)
        return std::unexpected(
            CommandLineEnd{.exit_code = protocol::ExitCode::kOk, .text = out.str()});
      const std::vector<std::string> unknown = app_.remaining(true);
      const bool is_command_missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
      if (is_command_missing && !unknown.empty()) return unknown_word(unknown.front());
      return wrong("" + std::string(error.what()));
    }
    std::expected<CommandLine, CommandLineEnd> line = finish();
    // It would reach a server as another name.
    if (line && !config::is_utf8(line->server + '/' + line->tool)) {
      return wrong("the name " + shown(line->server + '/' + line->tool) + " is not UTF-8");
    }
    return line;
  }

 private:
  static std::string shown(const std::string& text) {
    return config::escape_unprintable(text, config::LineBreaks::kEscape);
  }
  /// An empty text is most often a variable that is not set, and never what was meant.
  static CLI::Validator not_empty() {
    return {[](const std::string& text) { return text.empty() ? "is empty" : std::string(); }, ""};
  }

  std::unexpected<CommandLineEnd> unknown_word(const std::string& word) {
    const auto used = app_.get_subcommands();
    CLI::App& parent = used.empty() ? app_ : *used.front();
    std::vector<std::string> names;
    for (const CLI::App* sub : parent.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(sub->get_name());
    }
    const std::string what = used.empty() ? "command" : parent.get_name() + " command";
    return wrong("" + config::unknown_name_text(what, shown(word), names));
  }

  static std::unexpected<CommandLineEnd> wrong(const std::string& message) {
    return std::unexpected(CommandLineEnd{
        protocol::ExitCode::kUsage,
        "mcpwire: " + message + "\nmcpwire: `mcpwire --help` shows how it is used\n", message});
  }

  CLI::App* command(CLI::App& parent, const char* name, const char* text, Command what) {
    CLI::App* const sub = parent.add_subcommand(name, text);
    sub->fallthrough();  // so that -c may stand behind the command as well
    sub->callback([this, what] { line_.command = what; });
    return sub;
  }
  void add_json(CLI::App* sub, const char* text) { sub->add_flag("--json", texts_.json, text); }
  void add_timeout(CLI::App* sub) {
    sub->add_option("--timeout", texts_.timeout, "Longest wait: 5s, 500ms, 2m or seconds")
        ->type_name("DURATION")
        ->check(not_empty());
  }

  void add_queries() {
    CLI::App* const list = command(app_, "list", "List servers and their tools", Command::kList);
    list->add_option("server", texts_.first, "Only this server")->type_name("SERVER");
    add_json(list, "Everything the servers tell, as JSON");
    add_timeout(list);
    list->add_option("--concurrency", line_.concurrency, "Servers asked at the same time")
        ->check(CLI::Range(1u, kConcurrencyMax))
        ->type_name("N");
    CLI::App* const info =
        command(app_, "info", "Show a tool's parameters, or a server", Command::kInfo);
    info->add_option("target", texts_.first, "SERVER/TOOL or SERVER")->required()->type_name("");
    info->add_option("tool", texts_.second, "TOOL, where only SERVER was given")->type_name("");
    add_json(info, "The schema as JSON");
    add_timeout(info);
    CLI::App* const ping = command(app_, "ping", "Time a round trip to the daemon", Command::kPing);
    add_json(ping, "As JSON");
    add_timeout(ping);
  }

  void add_call() {
    call_ = command(app_, "call", "Call a tool", Command::kCall);
    call_->add_option("target", texts_.first, "SERVER/TOOL, or SERVER TOOL")
        ->required()
        ->type_name("");
    call_
        ->add_option("arguments", texts_.second,
                     "A JSON object; - for standard input, which is also read when no arguments "
                     "are given and it is no terminal")
        ->type_name("");
    call_->add_option("arguments behind SERVER TOOL", texts_.third)->type_name("")->group("");
    add_json(call_, "The whole result as JSON");
    add_timeout(call_);
    add_interaction(call_);
  }

  void add_interaction(CLI::App* sub) {
    sub->add_flag("--progress", texts_.progress, "Show the server's progress and log messages");
    sub->add_flag("--no-input", texts_.no_input,
                  "Decline what the server asks; else a terminal asks you");
  }

  CLI::App* add_list(const char* name, const char* text, Command what) {
    CLI::App* const list = command(app_, name, text, what);
    list->add_option("server", texts_.first, "SERVER")->required()->type_name("");
    add_json(list, "Everything the server tells, as JSON");
    add_timeout(list);
    return list;
  }

  CLI::App* add_item(const char* name, const char* text, Command what, const char* target) {
    CLI::App* const item = command(app_, name, text, what);
    item->add_option("target", texts_.first, target)->required()->type_name("");
    item->add_option("second", texts_.second)->type_name("")->group("");
    add_json(item, "The whole result as JSON");
    add_timeout(item);
    add_interaction(item);
    return item;
  }

  void add_messages() {
    add_list("resources", "List a server's resources", Command::kResources);
    add_list("templates", "List a server's resource templates", Command::kTemplates);
    add_list("prompts", "List a server's prompts", Command::kPrompts);
    add_item("read", "Read a resource", Command::kRead, "SERVER/URI, or SERVER URI");
    add_item("prompt", "Get a prompt's messages", Command::kPrompt,
             "SERVER/NAME, or SERVER NAME; behind it its arguments, a JSON object")
        ->add_option("third", texts_.third)
        ->type_name("")
        ->group("");
    CLI::App* const complete =
        command(app_, "complete", "Complete a prompt's argument", Command::kComplete);
    complete->add_option("target", texts_.first, "SERVER/PROMPT")->required()->type_name("");
    complete->add_option("argument", line_.argument, "ARGUMENT")->required()->type_name("");
    complete->add_option("value", line_.value, "What it begins with")->type_name("");
    complete->add_flag("--template", line_.is_template, "SERVER/URI_TEMPLATE instead of a prompt");
    add_json(complete, "The whole result as JSON");
    add_timeout(complete);
    CLI::App* const request = command(
        app_, "request", "Send any request of MCP; prints its raw result", Command::kRequest);
    request->add_option("server", texts_.first, "SERVER")->required()->type_name("");
    request->add_option("method", texts_.second, "METHOD")->required()->type_name("");
    request->add_option("params", line_.arguments, "A JSON object; - for standard input")
        ->type_name("");
    request->add_flag("--all-pages", line_.wants_all_pages, "Of a list, joined");
    add_json(request, "Failures as JSON, too");
    add_timeout(request);
    add_interaction(request);
    CLI::App* const listen =
        command(app_, "listen", "Show what servers tell unasked, until Ctrl-C", Command::kListen);
    listen->add_option("server", texts_.first, "Only this server")->type_name("SERVER");
    listen->add_option("--uri", line_.uris, "A resource whose changes are told; may be repeated")
        ->type_name("URI");
    add_json(listen, "One JSON object per line");
    add_timeout(listen);
  }

  void add_daemon() {
    CLI::App* const daemon = app_.add_subcommand("daemon", "Start, look at or stop the daemon");
    daemon->fallthrough();
    daemon->require_subcommand(1);
    const auto add = [this, daemon](const char* name, const char* text, Command what) {
      CLI::App* const sub = command(*daemon, name, text, what);
      add_json(sub, "As JSON");
      add_timeout(sub);
    };
    add("start", "Start it, unless it runs", Command::kDaemonStart);
    add("status", "Show what it does; exit code 3 if none runs or it does not answer",
        Command::kDaemonStatus);
    add("stop", "Stop it and wait until it is gone", Command::kDaemonStop);
  }

  void add_approve() {
    CLI::App* const approve =
        command(app_, "approve", "Allow the commands of a configuration found in a directory",
                Command::kApprove);
    approve->add_option("file", line_.approve_path, "Configuration; default: the one found here")
        ->type_name("FILE");
    approve->add_flag("--yes", texts_.yes, "Do not ask");
  }

  std::expected<CommandLine, CommandLineEnd> finish() {
    line_.format = texts_.json ? Format::kJson : Format::kText;
    line_.consent = texts_.yes ? Consent::kGiven : Consent::kAsk;
    if (!texts_.timeout.empty()) {
      const auto timeout = config::parse_duration(texts_.timeout);
      if (!timeout) return wrong("--timeout: " + timeout.error().message());
      line_.timeout_ns = *timeout;
    }
    line_.progress = texts_.progress ? Progress::kShow : Progress::kHide;
    line_.input = texts_.no_input ? Input::kNever : Input::kAsk;
    switch (line_.command) {
      case Command::kInfo:
      case Command::kCall:
        if (split_target()) break;
        if (!surplus_.empty()) return wrong("unexpected argument " + shown(surplus_));
        return wrong("name the tool as SERVER/TOOL or SERVER TOOL");
      case Command::kRead:
      case Command::kPrompt:
      case Command::kComplete:
        if (split_item()) break;
        if (!surplus_.empty()) return wrong("unexpected argument " + shown(surplus_));
        return wrong("name it as SERVER/NAME or SERVER NAME");
      default:
        line_.server = texts_.first;
        line_.tool = texts_.second;
    }
    return std::move(line_);
  }

  /// As split_target(); only a prompt has something behind its name.
  bool split_item() {
    const std::size_t slash = texts_.first.find('/');
    const bool joined = slash != std::string::npos;
    line_.server = texts_.first.substr(0, slash);
    line_.tool = joined ? texts_.first.substr(slash + 1) : texts_.second;
    const std::string& behind = joined ? texts_.second : texts_.third;
    const bool is_prompt = line_.command == Command::kPrompt;
    if (is_prompt && !behind.empty()) line_.arguments = behind;
    surplus_ = is_prompt ? (joined ? texts_.third : std::string()) : behind;
    return !line_.server.empty() && !line_.tool.empty() && surplus_.empty();
  }

  /// A server's name has no slash, a tool's may have: the first one separates.
  bool split_target() {
    const bool is_call = line_.command == Command::kCall;
    const std::size_t slash = texts_.first.find('/');
    const bool joined = slash != std::string::npos;
    line_.server = texts_.first.substr(0, slash);
    line_.tool = joined ? texts_.first.substr(slash + 1) : texts_.second;
    if (is_call) {
      const char* const position = joined ? "arguments" : "arguments behind SERVER TOOL";
      if (call_->count(position) > 0) line_.arguments = joined ? texts_.second : texts_.third;
    }
    if (joined) surplus_ = is_call ? texts_.third : texts_.second;
    const bool tool_missing = line_.tool.empty() && (is_call || joined);
    return surplus_.empty() && !tool_missing && !line_.server.empty();
  }

  CLI::App app_;
  CLI::App* call_ = nullptr;
  CommandLine line_;
  Texts texts_;
  std::string surplus_;  ///< Behind all that the command takes.
};

}  // namespace

namespace {

std::expected<CommandLine, CommandLineEnd> try_parse(int argc, const char* const* argv) {
  try {
    return Parser().parse(argc, argv);
  } catch (const CLI::Error& error) {
    return std::unexpected(CommandLineEnd{protocol::ExitCode::kUsage, error.what(), error.what()});
  }
}

}  // namespace

std::expected<CommandLine, CommandLineEnd> parse_command_line(int argc, const char* const* argv) {
  std::expected<CommandLine, CommandLineEnd> line = try_parse(argc, argv);
  if (!line.has_value()) {
    // Behind "--" nothing is an option.
    const std::vector<std::string_view> words(argv, argv + argc);
    const auto end = std::ranges::find(words, "--");
    const bool is_json = std::find(words.begin(), end, "--json") != end;
    line.error().format = is_json ? Format::kJson : Format::kText;
  }
  return line;
}

}  // namespace mcpwire::cli
