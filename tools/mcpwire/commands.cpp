// SPDX-License-Identifier: MIT
#include "tools/mcpwire/commands.hpp"

#include "tools/mcpwire/render_result.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

namespace mcpwire::cli {

using protocol::ExitCode;
using protocol::Outcome;

namespace {

/// What the outcome means for the user, behind the message.
std::string_view consequence(const client::CallReply& reply) noexcept {
  switch (reply.outcome) {
    case Outcome::kNotSent:
      return " (not sent: the call did not happen)";
    case Outcome::kUnknown:
      return " (the call was sent and not answered: it may have happened)";
    case Outcome::kCancelled:
      return reply.may_have_been_sent ? " (it had been sent: it may have happened)"
                                      : " (not sent: the call did not happen)";
    default:
      return "";
  }
}

}  // namespace

Result<config::FoundConfiguration> find_configuration(const Context& context,
                                                      const std::string& chosen_path) {
  // Where the file is named in full it does not matter that there is no directory any more.
  const auto named = context.environment.find("MCPWIRE_CONFIG");
  const std::string& name =
      !chosen_path.empty() || named == context.environment.end() ? chosen_path : named->second;
  if (context.working_directory.empty() && !name.starts_with('/')) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigMissing,
                "the current directory cannot be told (was it removed?)");
  }
  config::FoundConfiguration found = TRY(config::discover(
      {chosen_path, context.working_directory, context.environment}, context.files));
  // The daemon and the approvals must see one name for one file, however it was reached.
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(found.path.c_str(), nullptr),
                                                    std::free);
  if (real != nullptr) found.path = real.get();
  return found;
}

Result<client::Connection> connect(const Context& context, NeedsServers needs_servers,
                                   client::AutoStart auto_start, const Interrupt& interrupt) {
  client::ConnectOptions options;
  if (needs_servers == NeedsServers::kYes) {
    const auto found = TRY(find_configuration(context, context.line.config_path));
    options.config = client::ConfigReference{found.path, found.origin};
  }
  options.working_directory = context.working_directory;
  options.client_name = kProgramName;
  options.auto_start = auto_start;
  options.interrupt.fd = interrupt.fd();
  if (const std::uint64_t deadline_ns = deadline_of(context.line, kNever); deadline_ns != kNever) {
    const std::uint64_t now_ns = monotonic_now_ns();
    const std::uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    options.connect_timeout_ns = std::min(options.connect_timeout_ns, left_ns);
  }
  auto connection = TRY(client::Connection::connect(options));
  const std::string& because = connection.agreement().no_rings_because;
  if (!because.empty()) {
    context.err.own("mcpwire: warning: no shared memory, calls take longer: ");
    context.err.foreign_line(because).own("\n");
  }
  return connection;
}

std::uint64_t deadline_of(const CommandLine& line, std::uint64_t otherwise) noexcept {
  if (line.timeout_ns == 0) return otherwise;
  const std::uint64_t start_ns = line.started_ns == 0 ? monotonic_now_ns() : line.started_ns;
  return line.timeout_ns > kNever - start_ns ? kNever : start_ns + line.timeout_ns;
}

ExitCode report(Context& context, const Error& error) {
  context.err.own("mcpwire: ").message(error.message()).own("\n");
  const bool cancelled = error.kind == ErrorKind::kCancelled;
  if (context.line.format == Format::kJson) {
    context.out.foreign(failure_json(cancelled ? Outcome::kCancelled : Outcome::kNotSent, false,
                                     error_json(error)));
  }
  return protocol::exit_code_of(cancelled ? Outcome::kCancelled : Outcome::kNotSent, error);
}

ExitCode show_failure(Context& context, const client::CallReply& reply) {
  const bool by_server = reply.outcome == Outcome::kPeerError;
  const std::string message = by_server ? peer_error_text(reply.body) : reply.error.message();
  if (context.line.format == Format::kJson) {
    context.out.foreign(
        failure_json(reply.outcome, by_server || reply.may_have_been_sent,
                     by_server ? std::string(reply.body.view()) : error_json(reply.error)));
    context.out.flush();
  }
  // One line, or a server could put words into our mouth.
  context.err.own("mcpwire: ").foreign_line(message).own(consequence(reply)).own("\n");
  return protocol::exit_code_of(reply.outcome, reply.error);
}

ExitCode show_unreadable(Context& context, const Error& error) {
  context.err.own("mcpwire: ").message(error.message()).own("\n");
  if (context.line.format == Format::kJson) {
    context.out.foreign(failure_json(Outcome::kPeerError, true, error_json(error)));
  }
  return ExitCode::kPeerError;
}

std::string failure_json(Outcome outcome, bool may_have_been_sent, std::string_view error) {
  std::string text = "{\"outcome\":" + json_string(protocol::outcome_name(outcome));
  text.append(",\"may_have_been_sent\":").append(may_have_been_sent ? "true" : "false");
  return text.append(",\"error\":").append(error).append("}\n");
}

std::string error_json(const Error& error) {
  return "{\"kind\":" + json_string(error_kind_name(error.kind)) +
         ",\"code\":" + std::to_string(static_cast<unsigned>(error.code)) +
         ",\"message\":" + json_string(error.message()) + '}';
}

}  // namespace mcpwire::cli
