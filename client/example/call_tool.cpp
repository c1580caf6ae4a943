// SPDX-License-Identifier: MIT
//
// Calls one tool through the daemon, which is started if none runs:
//   client_example_call_tool /absolute/servers.json SERVER TOOL '{"json":"arguments"}'
#include "client/connection.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  using namespace mcpwire;
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s /absolute/servers.json SERVER TOOL JSON\n", argv[0]);
    return 1;
  }
  client::ConnectOptions options;
  options.config = client::ConfigReference{argv[1], protocol::ConfigOrigin::kExplicit};
  options.client_name = "call_tool example";
  Result<client::Connection> connection = client::Connection::connect(options);
  if (!connection) {
    std::fprintf(stderr, "%s\n", connection.error().message().c_str());
    return 1;
  }
  client::CallRequest request;
  request.server = argv[2];
  request.tool = argv[3];
  request.arguments_json = argv[4];
  request.deadline_ns = mcpwire::monotonic_now_ns() + 30 * kNanosecondsPerSecond;
  const client::CallReply reply = connection->call_tool(request);
  if (reply.outcome == protocol::Outcome::kOk) {
    std::fwrite(reply.body.view().data(), 1, reply.body.size(), stdout);  // From where it arrived.
    std::fputc('\n', stdout);
  } else {
    std::fprintf(stderr, "%s: %s\n", protocol::outcome_name(reply.outcome).data(),
                 reply.outcome == protocol::Outcome::kPeerError
                     ? std::string(reply.body.view()).c_str()
                     : reply.error.message().c_str());
  }
  return static_cast<int>(protocol::exit_code_of(reply.outcome, reply.error));
}
