// SPDX-License-Identifier: MIT
//
// The demo server driven over its own pipes: what a program that embeds an MCP client pays.
#include "tools/mcp-bench/checksum.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/latency.hpp"

#include "protocol/base/unique_fd.hpp"
#include "protocol/mcp/revision.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>

#include <array>
#include <utility>

namespace mcpwire::bench_tool {
namespace {

/// The server as a child with a pipe in each direction. Ends with its standard input.
class DirectServer {
 public:
  static Result<DirectServer> start(const std::string& program) {
    std::array<int, 2> to_server{};
    std::array<int, 2> from_server{};
    if (::pipe2(to_server.data(), O_CLOEXEC) != 0 || ::pipe2(from_server.data(), O_CLOEXEC) != 0) {
      return fail(Error::from_errno(ErrorKind::kInternal, errno, "pipe2"));
    }
    const UniqueFd child_input(to_server[0]);
    const UniqueFd child_output(from_server[1]);
    DirectServer server{UniqueFd(to_server[1]), UniqueFd(from_server[0])};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, child_input.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, child_output.get(), STDOUT_FILENO);
    std::string name = program;
    std::array<char*, 2> arguments = {name.data(), nullptr};
    const int failure = ::posix_spawn(&server.process_id_, program.c_str(), &actions, nullptr,
                                      arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) return fail(Error::from_errno(ErrorKind::kInternal, failure, program));
    return server;
  }
  DirectServer(DirectServer&& other) noexcept
      : input_(std::move(other.input_)),
        output_(std::move(other.output_)),
        process_id_(std::exchange(other.process_id_, -1)) {}
  DirectServer& operator=(DirectServer&&) = delete;
  ~DirectServer() {
    input_.reset();
    if (process_id_ > 0) ::waitpid(process_id_, nullptr, 0);
  }

  pid_t process_id() const noexcept { return process_id_; }

  /// Writes one line and reads one. The view is valid until the next call.
  Result<std::string_view> exchange(std::string_view line) {
    TRY(write_all(line));
    buffer_.clear();
    while (buffer_.empty() || buffer_.back() != '\n') {
      std::array<char, 64 * 1024> chunk;
      const ssize_t got = ::read(output_.get(), chunk.data(), chunk.size());
      if (got <= 0) return fail(ErrorKind::kDisconnected, ErrorCode::kServerExited);
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return std::string_view(buffer_);
  }

  Result<void> write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(input_.get(), text.data(), text.size());
      if (written <= 0) return fail(ErrorKind::kDisconnected, ErrorCode::kServerExited);
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

 private:
  DirectServer(UniqueFd input, UniqueFd output) noexcept
      : input_(std::move(input)), output_(std::move(output)) {}

  UniqueFd input_;
  UniqueFd output_;
  pid_t process_id_ = -1;
  std::string buffer_;
};

std::string request_line(const LatencyOptions& options, std::uint64_t id) {
  std::string line = R"({"jsonrpc":"2.0","id":)" + std::to_string(id);
  if (options.method == Method::kPing) return line + R"(,"method":"ping"})" + "\n";
  if (options.method == Method::kBlob) {
    return line + R"(,"method":"tools/call","params":{"name":"blob","arguments":{"bytes":)" +
           std::to_string(options.payload_bytes) + "}}}\n";
  }
  line += R"(,"method":"tools/call","params":{"name":"echo","arguments":{"message":")";
  line.append(options.payload_bytes, 'x');
  return line + "\"}}}\n";
}

Result<void> initialize(DirectServer& server) {
  using protocol::mcp::facts_of;
  std::string line =
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")";
  line += facts_of(protocol::mcp::kNewestLegacyRevision).name;
  line += R"(","capabilities":{},"clientInfo":{"name":"mcp-bench","version":"0"}}})";
  TRY(server.exchange(line + '\n'));
  return server.write_all("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
}

}  // namespace

Result<LatencySummary> measure_direct(const LatencyOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  DirectServer server = TRY(DirectServer::start(TRY(sibling_program("mcpwire-demo-server"))));
  TRY(pin_process(0, pin_at(options.pins, 0)));
  TRY(pin_process(server.process_id(), pin_at(options.pins, 2)));
  TRY(initialize(server));
  const std::string expected(options.payload_bytes, 'x');
  const std::uint64_t expected_sum = checksum(expected);
  std::uint64_t id = 0;
  return time_round_trips(options, [&]() -> Result<void> {
    const std::string_view answer = TRY(server.exchange(request_line(options, ++id)));
    const bool has_id =
        answer.substr(0, 256).find("\"id\":" + std::to_string(id)) != std::string_view::npos;
    if (options.method == Method::kBlob) TRY(check_blob(answer, expected, expected_sum));
    const bool has_text =
        options.method == Method::kPing || answer.find(expected) != std::string_view::npos;
    if (!has_id || !has_text) return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
    return {};
  });
}

}  // namespace mcpwire::bench_tool
