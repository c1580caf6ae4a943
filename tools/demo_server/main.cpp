// SPDX-License-Identifier: MIT
//
// mcpwire-demo-server: a small MCP server on standard input and output, for trying mcpwire out and
// for its tests and benchmarks.
//
// Environment:
//   MCPWIRE_DEMO_PAGE_SIZE  tools per page of tools/list; unset or 0: one page
//   MCPWIRE_LEDGER          the file to which the tool `ledger` appends
#include "tools/demo_server/stdio_host.hpp"

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace {

/// The variable as a number; 0 if it is unset or none.
std::size_t number_from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return 0;
  const std::string_view text(value);
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

int main() {
  // A client that goes away ends the server through write()'s error, in order.
  std::signal(SIGPIPE, SIG_IGN);
  mcpwire::demo::StdioHost host({.page_size = number_from_environment("MCPWIRE_DEMO_PAGE_SIZE")});
  return host.run();
}
