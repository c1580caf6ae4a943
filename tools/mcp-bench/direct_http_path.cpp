// SPDX-License-Identifier: MIT
//
// The demo server over HTTP, called by one libcurl handle that keeps its connection: what a program
// that embeds an MCP client over HTTP pays at least.
#include "protocol/mcp/meta.hpp"
#include "protocol/mcp/revision.hpp"
#include "tools/mcp-bench/host.hpp"
#include "tools/mcp-bench/http_server.hpp"
#include "tools/mcp-bench/latency.hpp"

#include <curl/curl.h>
#include <dlfcn.h>

#include <string>

namespace mcpwire::bench_tool {
namespace {

namespace mcp = protocol::mcp;

/// Loaded when it is needed, as mcpwired does it: the other commands have no use for it.
struct Curl {
  decltype(&curl_easy_init) init = nullptr;
  decltype(&curl_easy_setopt) set = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_slist_append) append = nullptr;
  decltype(&curl_slist_free_all) free_all = nullptr;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

Result<Curl> load_curl() {
  void* const library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  Curl curl;
  const bool has_all = library != nullptr && find(library, "curl_easy_init", curl.init) &&
                       find(library, "curl_easy_setopt", curl.set) &&
                       find(library, "curl_easy_perform", curl.perform) &&
                       find(library, "curl_easy_cleanup", curl.cleanup) &&
                       find(library, "curl_slist_append", curl.append) &&
                       find(library, "curl_slist_free_all", curl.free_all);
  if (!has_all) return fail(ErrorKind::kUnsupported, ErrorCode::kUnspecified);
  return curl;
}

std::string body_of(std::uint64_t id, const std::string& message) {
  std::string body = R"({"jsonrpc":"2.0","id":)" + std::to_string(id);
  body += R"(,"method":"tools/call","params":{"_meta":{")";
  body.append(mcp::kMetaProtocolVersion).append("\":\"");
  body.append(mcp::facts_of(mcp::kNewestRevision).name).append("\",\"");
  body.append(mcp::kMetaClientCapabilities).append("\":{}},");
  return body + R"("name":"echo","arguments":{"message":")" + message + "\"}}}";
}

std::size_t keep(char* bytes, std::size_t, std::size_t count, void* answer) {
  static_cast<std::string*>(answer)->append(bytes, count);
  return count;
}

}  // namespace

Result<LatencySummary> measure_direct_http(const LatencyOptions& options) {
  const Curl curl = TRY(load_curl());
  const HttpServerProcess server = TRY(HttpServerProcess::start());
  TRY(pin_process(0, pin_at(options.pins, 0)));
  TRY(pin_process(server.process_id(), pin_at(options.pins, 2)));
  CURL* const easy = curl.init();
  const std::string version =
      "MCP-Protocol-Version: " + std::string(mcp::facts_of(mcp::kNewestRevision).name);
  curl_slist* headers = nullptr;
  for (const char* line :
       {"Content-Type: application/json", "Accept: application/json, text/event-stream",
        version.c_str(), "Mcp-Method: tools/call", "Mcp-Name: echo"}) {
    headers = curl.append(headers, line);
  }
  std::string answer;
  curl.set(easy, CURLOPT_URL, server.url().c_str());
  curl.set(easy, CURLOPT_HTTPHEADER, headers);
  curl.set(easy, CURLOPT_WRITEFUNCTION, &keep);
  curl.set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&answer));
  const std::string expected(options.payload_bytes, 'x');
  std::uint64_t id = 0;
  auto summary = time_round_trips(options, [&]() -> Result<void> {
    const std::string body = body_of(++id, expected);
    answer.clear();
    curl.set(easy, CURLOPT_POSTFIELDS, body.c_str());
    curl.set(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    const bool is_done = curl.perform(easy) == CURLE_OK;
    if (!is_done || answer.find(expected) == std::string::npos) {
      return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
    }
    return {};
  });
  curl.free_all(headers);
  curl.cleanup(easy);
  return summary;
}

}  // namespace mcpwire::bench_tool
