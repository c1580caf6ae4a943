// SPDX-License-Identifier: MIT
#include "tools/conformance_client/peer.hpp"

#include "protocol/base/process_fd.hpp"
#include "protocol/base/system_clock.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

namespace mcpwire::conformance {
namespace {

constexpr const char* kServer = "peer";
// The suite gives a scenario 30 s.
constexpr std::uint64_t kPatienceNs = 20 * kNanosecondsPerSecond;

std::uint64_t deadline() { return monotonic_now_ns() + kPatienceNs; }

Failure unexpected(std::string what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kPeerError, std::move(what));
}

Result<void> write_configuration(const std::string& path, const std::string& url) {
  std::ofstream(path) << Json{{"mcpServers", {{kServer, {{"url", url}}}}}}.dump(2);
  std::error_code failure;
  std::filesystem::permissions(path, std::filesystem::perms(0600), failure);
  if (failure) return fail(Error::from_errno(ErrorKind::kConfiguration, failure.value(), path));
  return {};
}

}  // namespace

Peer::Peer(bench_tool::ScratchDirectory scratch, client::Connection connection) noexcept
    : scratch_(std::move(scratch)), connection_(std::move(connection)) {}

Result<Peer> Peer::create(const std::string& url, int interrupt_fd) {
  bench_tool::ScratchDirectory scratch = TRY(bench_tool::ScratchDirectory::create());
  const std::string configuration = scratch.path() + "/servers.json";
  TRY(write_configuration(configuration, url));
  // Ports are used again: what was found out about one is not true of the next scenario's server.
  ::setenv("XDG_CACHE_HOME", (scratch.path() + "/cache").c_str(), 1);
  client::ConnectOptions options;
  options.runtime_directory = scratch.path() + "/run";
  options.config = client::ConfigReference{configuration, protocol::ConfigOrigin::kExplicit};
  options.client_name = "mcpwire-conformance-client";
  options.daemon_program = TRY(bench_tool::sibling_program("mcpwired"));
  options.interrupt = client::InterruptSource{interrupt_fd};
  client::Connection connection = TRY(client::Connection::connect(options));
  return Peer(std::move(scratch), std::move(connection));
}

Peer::~Peer() {
  if (scratch_.path().empty()) return;  // Moved from.
  const UniqueFd daemon = open_process(connection_.agreement().daemon_pid);
  if (connection_.shutdown(deadline()).has_value()) wait_for_process_end(daemon, kPatienceNs);
}

Result<Json> Peer::result_of(const client::CallReply& reply) {
  using protocol::Outcome;
  const std::string body(reply.body.view());
  if (reply.outcome == Outcome::kPeerError) return unexpected("the server's error: " + body);
  if (reply.outcome != Outcome::kOk) return fail(reply.error);
  Json result = Json::parse(body, nullptr, false);
  if (!result.is_object()) return unexpected("no object: " + body);
  return result;
}

Result<std::vector<Tool>> Peer::list_tools() {
  client::ToolsListing listing = TRY(connection_.list_tools(kServer, 0, deadline()));
  if (!listing.failures.empty()) return fail(listing.failures.front().error);
  if (listing.successes.empty()) return unexpected("no listing");
  return tools_of(Json::parse(listing.successes.front().tools_json, nullptr, false));
}

Result<std::uint64_t> Peer::start_call(std::string_view tool, const Json& arguments) {
  const std::string text = arguments.dump();
  client::CallRequest request;
  request.server = kServer;
  request.tool = tool;
  request.arguments_json = text;
  request.deadline_ns = deadline();
  return connection_.start_call(request);
}

Result<Json> Peer::call(std::string_view tool, const Json& arguments) {
  const std::uint64_t correlation = TRY(start_call(tool, arguments));
  const auto reply = connection_.wait(correlation);
  if (!reply) return fail(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
  return result_of(*reply);
}

Result<Json> Peer::request(std::string_view method, const Json& params) {
  const std::string text = params.dump();
  client::McpRequest request;
  request.server = kServer;
  request.method = method;
  request.params_json = text;
  request.deadline_ns = deadline();
  request.pages = method.ends_with("/list") ? protocol::Pages::kAll : protocol::Pages::kOne;
  return result_of(connection_.request(request));
}

Result<std::vector<Tool>> tools_of(const Json& listing) {
  if (!listing.is_array()) return unexpected("the tools are no array");
  std::vector<Tool> tools;
  for (const Json& tool : listing) {
    if (!tool.is_object() || !tool.contains("name") || !tool["name"].is_string()) {
      return unexpected("a tool without a name: " + tool.dump());
    }
    tools.push_back({tool["name"].get<std::string>(), tool.value("inputSchema", Json::object())});
  }
  return tools;
}

}  // namespace mcpwire::conformance
