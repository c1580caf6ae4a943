// SPDX-License-Identifier: MIT
//
// A daemon as mcpwired, with one kind of server more: what an embedder writes who has servers that
// mcpwire does not know. Argument: the runtime directory. Says "ready" when it serves.
#include "daemon/options.hpp"
#include "daemon/runtime.hpp"
#include "io/backend_kind.hpp"
#include "io/guardian_main.hpp"
#include "io/signal_watcher.hpp"
#include "tests/io/conformance/unix_kind.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
  using namespace mcpwire;
  if (argc >= 2 && std::string_view(argv[1]) == daemon::kGuardianArgument) {
    return io::guardian_main(STDIN_FILENO, argc > 2 ? argv[2] : "");
  }
  const test::UnixKind unix_kind;
  daemon::DaemonOptions options;
  options.runtime_directory = argc > 1 ? argv[1] : "";
  options.kinds = {&unix_kind};
  if (const char* const shards = std::getenv("MCPWIRE_SHARDS")) {
    options.shards = static_cast<std::uint32_t>(std::atoi(shards));
  }
  const char* const backend = std::getenv(io::kIoBackendVariable);
  options.backend = io::parse_backend_kind(backend != nullptr ? backend : "auto").value();
  io::ignore_write_signals();
  io::block_termination_signals();
  const auto runtime = daemon::McpRuntime::create(options);
  if (!runtime.has_value()) {
    std::fprintf(stderr, "%s\n", runtime.error().message().c_str());
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  (*runtime)->run();
  return 0;
}
