// SPDX-License-Identifier: MIT
//
// Session: the MCP server behind the streams: lines in, lines out. Speaks both eras on one pipe
// and decides per request: a request whose _meta names a protocol version is modern and stateless;
// everything else is legacy, in the revision that `initialize` settled.
#pragma once

#include "protocol/json/envelope.hpp"
#include "protocol/json/value.hpp"
#include "tools/demo_server/host.hpp"
#include "tools/demo_server/replies.hpp"
#include "tools/demo_server/tools.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcpwire::demo {

struct SessionOptions {
  std::size_t page_size = 0;  ///< Tools per page of tools/list; 0: all on one page.
  /// What an earlier `initialize` has settled; over HTTP each request has a session object.
  Revision legacy_revision = kNewestLegacy;
};

class Session {
 public:
  /// Appends what it has to say to `out`. Both references outlive the session.
  Session(SessionOptions options, Host& host, std::string& out)
      : options_(options),
        out_(out),
        tools_(host, reader_, out),
        legacy_revision_(options.legacy_revision) {}

  /// Handles one line, without its newline.
  void on_line(std::string_view line);

  /// Answers what is due at `now_ns`.
  void on_time(std::uint64_t now_ns) { tools_.run_due(now_ns); }
  Revision legacy_revision() const noexcept { return legacy_revision_; }
  /// When on_time() has something to do; kNever if nothing waits.
  std::uint64_t next_due_ns() const noexcept { return tools_.next_due_ns(); }

 private:
  /// What of `params` the server reads, as raw spans.
  struct Params {
    std::string_view raw;
    std::string_view name, arguments, cursor, request_id, protocol_version, task;  // Of params.
    std::string_view claimed_version, client_capabilities, progress_token;  // Of params._meta.
    std::string_view log_level;
    bool is_readable = true;
  };

  void on_fault(std::string_view line);
  void on_message(const protocol::json::Envelope& envelope);
  void on_notification(std::string_view method, const Params& params);
  void on_modern_request(const Caller& caller, std::string_view method, const Params& params);
  void on_legacy_request(const Caller& caller, std::string_view method, const Params& params);
  void initialize(const Caller& caller, const Params& params);
  void discover(const Caller& caller);
  /// False: no server has that method, or not in that revision.
  bool answer(const Caller& caller, std::string_view method, const Params& params);
  void list_tools(const Caller& caller, const Params& params);
  void call_tool(const Caller& caller, const Params& params);
  Params read_params(std::string_view raw);

  SessionOptions options_;
  std::string& out_;
  protocol::json::EnvelopeParser parser_;
  protocol::json::ValueReader reader_;
  Tools tools_;
  Revision legacy_revision_;
};

}  // namespace mcpwire::demo
