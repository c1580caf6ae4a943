// SPDX-License-Identifier: MIT
//
// An MCP server over stdio that misbehaves in one way at one moment:
//
//   stdio_adversary PHASE BEHAVIOUR [NUMBER]
//
// PHASE is `init` (before it answers initialize), `idle` (after notifications/initialized) or
// `call` (before it answers tools/call). But for that it serves one legacy conversation as it
// should.
#include "tests/io/programs/stdio_adversary.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace mcpwire::adversary {

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) std::_Exit(13);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string answer(const Moment& moment, const std::string& id) {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + moment.result + "}";
}

}  // namespace mcpwire::adversary

namespace {

using namespace mcpwire::adversary;

constexpr const char* kInitializeResult =
    R"({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"adversary","version":"1"}})";
constexpr const char* kCallResult = R"({"content":[{"type":"text","text":"done"}]})";

/// The first value under that key in a line of somebody who writes as mcpwire does.
std::string raw_value(const std::string& line, const std::string& key) {
  const std::size_t at = line.find('"' + key + "\":");
  if (at == std::string::npos) return "";
  const std::size_t start = at + key.size() + 3;
  return line.substr(start, line.find_first_of(",}", start) - start);
}

bool is(const std::string& line, const char* method) {
  return line.find("\"method\":\"" + std::string(method) + '"') != std::string::npos;
}

}  // namespace

int main(int count, char** values) {
  if (count < 3) return EXIT_FAILURE;
  std::signal(SIGPIPE, SIG_IGN);
  Behaviours behaviours;
  add_writings(behaviours);
  add_exchanges(behaviours);
  add_deeds(behaviours);
  const std::string phase = values[1];
  const auto behaviour = behaviours.find(values[2]);
  if (behaviour == behaviours.end()) return EXIT_FAILURE;
  const long number = count > 3 ? std::atol(values[3]) : 0;
  const auto act = [&](const char* now, const std::string& line, const char* result) {
    const std::string id = raw_value(line, "id");
    const Moment moment{now, id, result, raw_value(line, "progressToken"), number};
    const Reply reply = phase == now ? behaviour->second(moment) : Reply::kSend;
    if (reply == Reply::kOmit) return;
    if (!id.empty()) write_all(answer(moment) + "\n");
    if (id.empty() && phase == now) write_all(kActed);
  };
  for (std::string line; std::getline(std::cin, line);) {
    const std::string id = raw_value(line, "id");
    if (is(line, "initialize")) {
      act("init", line, kInitializeResult);
    } else if (is(line, "notifications/initialized")) {
      act("idle", "", "{}");
    } else if (is(line, "tools/call")) {
      act("call", line, kCallResult);
    } else if (!id.empty() && line.find("\"method\"") != std::string::npos) {
      write_all(R"({"jsonrpc":"2.0","id":)" + id +
                R"(,"error":{"code":-32601,"message":"Method not found"}})"
                "\n");
    }
  }
  return EXIT_SUCCESS;
}
