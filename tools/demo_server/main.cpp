// SPDX-License-Identifier: MIT
//
// mcpwire-demo-server: a small MCP server on standard input and output, or over HTTP, for trying
// mcpwire out and for its tests and benchmarks.
#include "protocol/version.hpp"
#include "tools/demo_server/http_host.hpp"
#include "tools/demo_server/stdio_host.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kHelp =
    R"(A small MCP server for trying mcpwire out, and for its tests and benchmarks.
Usage: mcpwire-demo-server [--http [HOST:]PORT [--streams]]

  (nothing)            serves on standard input and output
  --http [HOST:]PORT   serves Streamable HTTP and prints its URL; 0: any port
  --streams            with --http: every answer as a stream of events
  -h, --help           this text
  --version            the version

Environment:
  MCPWIRE_DEMO_PAGE_SIZE  tools per page of tools/list; unset or 0: one page
  MCPWIRE_LEDGER          the file to which the tool `ledger` appends
)";

/// Nothing: neither of them was asked for.
std::string answer_to(std::string_view argument) {
  if (argument == "--help" || argument == "-h") return std::string(kHelp);
  if (argument == "--version")
    return "mcpwire-demo-server " + std::string(mcpwire::kVersion) + "\n";
  return {};
}

/// The variable as a number; 0 if it is unset or none.
std::size_t number_from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return 0;
  const std::string_view text(value);
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int serve_http(std::string_view place, mcpwire::demo::SessionOptions options,
               mcpwire::demo::HttpAnswers answers) {
  mcpwire::demo::HttpHost host(options, answers);
  const auto listening = host.listen(place);
  if (!listening.has_value()) {
    host.log("mcpwire-demo-server: " + listening.error().message() + "\n");
    return 1;
  }
  // Whoever started it waits for this line.
  if (!mcpwire::demo::write_all(STDOUT_FILENO, host.url() + "\n")) return 1;
  return host.run();
}

}  // namespace

int main(int argc, char** argv) {
  using mcpwire::demo::HttpAnswers;
  // A client that goes away ends the server through write()'s error, in order.
  std::signal(SIGPIPE, SIG_IGN);
  const mcpwire::demo::SessionOptions options{
      .page_size = number_from_environment("MCPWIRE_DEMO_PAGE_SIZE")};
  const std::vector<std::string_view> arguments(argv + std::min(argc, 1), argv + argc);
  if (arguments.empty()) return mcpwire::demo::StdioHost(options).run();
  if (const std::string answer = answer_to(arguments[0]); !answer.empty()) {
    return mcpwire::demo::write_all(STDOUT_FILENO, answer) ? 0 : 1;
  }
  const bool is_plain = arguments.size() == 2 && arguments[0] == "--http";
  const bool is_streams =
      arguments.size() == 3 && arguments[0] == "--http" && arguments[2] == "--streams";
  if (!is_plain && !is_streams) {
    static_cast<void>(
        mcpwire::demo::write_all(STDERR_FILENO,
                                 "mcpwire-demo-server: these arguments mean nothing to it\n"
                                 "usage: mcpwire-demo-server [--http [HOST:]PORT [--streams]]\n"));
    return 1;
  }
  return serve_http(arguments[1], options,
                    is_streams ? HttpAnswers::kStreams : HttpAnswers::kAsTheyCome);
}
