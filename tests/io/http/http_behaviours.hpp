// SPDX-License-Identifier: MIT
//
// The behaviours of HTTP servers that mcpwire is held to, each with the outcome that the caller of
// tools/call sees. docs/http_behaviours.md shows the same table to people; a test compares them.
#pragma once

#include "protocol/outcome.hpp"
#include "tests/io/http/script_server.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

/// The answer to the call under test, by its raw id.
std::string result_for(const ScriptRequest& request, std::string_view result = R"({"content":[]})");

struct HttpBehaviour {
  std::string name;  ///< As the table in the docs has it.
  protocol::Outcome outcome;
  /// What the server does when it has read the call. Returning closes the connection.
  std::function<void(ScriptConnection&, const ScriptRequest&)> script;
  std::string says = {};  ///< Part of the error's text.
  std::string url = {};   ///< In place of the server's; PORT stands for its port.
  bool is_legacy = false;
  bool keeps_connection = false;  ///< The call comes on the connection of the handshake.
  bool closes_quietly = false;    ///< The handshake's connection ends unannounced before the call.
  bool stalls = false;            ///< The call has a deadline that will pass.
  bool runs_twice = false;        ///< The server may see the call more than once.
  /// How many variants there are: the script is run once for each.
  std::size_t variants = 1;
};

/// Those of http_odd_answers.cpp.
void add_odd_answers(std::vector<HttpBehaviour>& all);

/// The script's variant under way.
extern std::atomic<std::size_t> behaviour_variant;

const std::vector<HttpBehaviour>& http_behaviours();

}  // namespace mcpwire::io
