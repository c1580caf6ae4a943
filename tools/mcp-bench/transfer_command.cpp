// SPDX-License-Identifier: MIT
//
// mcp-bench transfer: one large answer from bytes that lie in the daemon to all of them checksummed
// in the client. The daemon's end is the real one, in a process of its own; only what it answers is
// made up: the same bytes each time, without a server behind it.
#include "io/client_channel.hpp"
#include "io/loop.hpp"
#include "io/seqpacket_listener.hpp"
#include "tools/mcp-bench/checksum.hpp"
#include "tools/mcp-bench/commands.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/latency.hpp"

#include "client/connection.hpp"

#include <CLI/CLI.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::bench_tool {
namespace {

struct Arguments {
  LatencyOptions options;
  bool as_json = false;
};

/// Answers every call with the same bytes.
class Source final : private FrameChannel::Receiver, private io::SeqpacketListener::Observer {
 public:
  Source(io::Loop& loop, UniqueFd listening, std::size_t bytes)
      : host_(loop, {}), listener_(loop, std::move(listening), *this), bytes_(bytes, 'x') {
    listener_.start();
  }

 private:
  void on_connection(UniqueFd socket) override {
    auto channel = io::ClientChannel::create(host_, std::move(socket));
    if (!channel) return;
    channel_ = std::move(*channel);
    channel_->start(*this);
  }
  void on_listener_failed(const Error&) override { ::_exit(1); }
  void on_frame(const protocol::FrameHeader& header, ByteSpan) override {
    using protocol::Method;
    const auto method = static_cast<Method>(header.request.method);
    if (method == Method::kHello) return;
    const std::string_view body = method == Method::kCallTool ? bytes_ : std::string_view();
    const auto sent = channel_->send(
        protocol::make_header(protocol::FrameKind::kResponse, method, protocol::Outcome::kOk),
        header.correlation, as_bytes(body), {});
    if (!sent) ::_exit(1);
  }
  void on_channel_closed(const Error&) override { ::_exit(0); }

  io::ChannelHost host_;
  io::SeqpacketListener listener_;
  std::unique_ptr<io::ClientChannel> channel_;
  std::string bytes_;
};

[[noreturn]] void serve(UniqueFd listening, std::size_t bytes) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto loop = io::Loop::create();
  if (!loop) ::_exit(1);
  Source source(**loop, std::move(listening), bytes);
  (*loop)->run();
  ::_exit(0);
}

/// The other process; ends with us.
class SourceProcess {
 public:
  explicit SourceProcess(pid_t process_id) noexcept : process_id_(process_id) {}
  SourceProcess(const SourceProcess&) = delete;
  SourceProcess& operator=(const SourceProcess&) = delete;
  ~SourceProcess() {
    ::kill(process_id_, SIGKILL);
    ::waitpid(process_id_, nullptr, 0);
  }

 private:
  pid_t process_id_;
};

Result<LatencySummary> measure(const LatencyOptions& options) {
  const ScratchDirectory scratch = TRY(ScratchDirectory::create());
  UniqueFd listening = TRY(io::create_listening_socket(scratch.path() + "/daemon.sock"));
  const pid_t child = ::fork();
  if (child < 0) return fail(Error::from_errno(ErrorKind::kInternal, errno, "fork"));
  if (child == 0) serve(std::move(listening), options.payload_bytes);
  const SourceProcess source(child);
  listening.reset();
  client::ConnectOptions connect;
  connect.runtime_directory = scratch.path();
  connect.auto_start = client::AutoStart::kNo;
  if (options.socket_only) connect.ring_bytes = 0;
  if (options.spin_ns >= 0) connect.spin_ns = static_cast<std::uint64_t>(options.spin_ns);
  client::Connection connection = TRY(client::Connection::connect(connect));
  TRY(pin_process(0, pin_at(options.pins, 0)));
  TRY(pin_process(child, pin_at(options.pins, 1)));
  const std::uint64_t expected = checksum(std::string(options.payload_bytes, 'x'));
  return time_round_trips(options, [&]() -> Result<void> {
    const client::CallReply reply = connection.call_tool({"source", "bytes", "{}"});
    if (reply.outcome != protocol::Outcome::kOk) return fail(reply.error);
    if (reply.body.size() != options.payload_bytes || checksum(reply.body) != expected) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
    }
    return {};
  });
}

Result<std::string> run(const Arguments& arguments) {
  const LatencySummary summary = TRY(measure(arguments.options));
  const std::string carrier = arguments.options.socket_only ? "socket" : "slab";
  const std::string bytes = std::to_string(arguments.options.payload_bytes);
  return arguments.as_json ? R"({"carrier":")" + carrier + R"(","payload":)" + bytes + "," +
                                 figures_json(summary) + "}"
                           : carrier + ", " + bytes + " bytes: " + figures_text(summary);
}

}  // namespace

void add_transfer_command(CLI::App& app, Measurement& chosen) {
  CLI::App* command =
      app.add_subcommand("transfer", "Bytes in the daemon to their checksum in the client");
  const auto arguments = std::make_shared<Arguments>();
  LatencyOptions& options = arguments->options;
  options.payload_bytes = std::size_t{1} << 20;
  options.iterations = 2'000;
  command->add_option("--payload", options.payload_bytes, "bytes of an answer (default 1 MiB)")
      ->check(CLI::Range(0, 256 * 1024 * 1024));
  command->add_option("--iterations", options.iterations, "timed transfers (default 2000)")
      ->check(CLI::Range(1, 100'000'000));
  command->add_option("--pin", options.pins, "CPUs of client and daemon; -1 leaves one free")
      ->delimiter(',')
      ->expected(1, 2);
  command->add_flag("--socket-only", options.socket_only, "without shared memory");
  command->add_option("--spin", options.spin_ns, "nanoseconds the client spins before it sleeps");
  command->add_flag("--json", arguments->as_json, "one JSON object instead of a line for people");
  command->callback([&chosen, arguments] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace mcpwire::bench_tool
