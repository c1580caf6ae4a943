// SPDX-License-Identifier: MIT
#include "daemon/transport_factory.hpp"

#include "io/http/curl_client.hpp"
#include "io/http/streamable_http_transport.hpp"
#include "protocol/base/check.hpp"

#include <utility>

namespace mcpwire::daemon {
namespace {

/// Stands for libcurl where there is none: every request ends with the reason.
class NoHttpClient final : public io::HttpClient {
 public:
  NoHttpClient(EventLoop& loop, Error why) : loop_(loop), why_(std::move(why)) {}

  std::unique_ptr<io::HttpExchange> start(io::HttpRequest, io::HttpSink& sink) override {
    return std::make_unique<Refusal>(loop_, why_, sink);
  }

 private:
  class Refusal final : public io::HttpExchange, private Runnable {
   public:
    Refusal(EventLoop& loop, const Error& why, io::HttpSink& sink) : why_(why), sink_(sink) {
      loop.post(*this);
    }
    void pause() override {}
    void resume() override {}

   private:
    void run() override { sink_.on_end({why_, false}); }
    Error why_;
    io::HttpSink& sink_;
  };

  EventLoop& loop_;
  Error why_;
};

}  // namespace

std::string verdict_key(const pool::ServerSpec& spec, FileSystem& files) {
  // One stat of a file that is about to be executed.
  const Result<FileStatus> status = files.status(spec.spawn.program);
  if (!status.has_value()) return spec.identity;
  const FileIdentity& file = status->identity;
  return spec.identity + '@' + std::to_string(file.modified_ns) + '.' + std::to_string(file.bytes);
}

std::unique_ptr<io::McpTransport> ServerTransports::create_transport_for_server(
    const pool::ServerSpec& spec) {
  switch (spec.kind) {
    case pool::ServerKind::kStdio:
      return create_stdio(spec);
    case pool::ServerKind::kPlugged:
      return create_plugged(spec);
    case pool::ServerKind::kStreamableHttp:
    case pool::ServerKind::kSse:
      break;
  }
  return create_http(spec);
}

std::unique_ptr<io::McpTransport> ServerTransports::create_plugged(const pool::ServerSpec& spec) {
  const pool::TransportKind* const kind = pool::find_kind(kinds_, spec.plugged.type);
  MCPWIRE_CHECK(kind != nullptr);  // The loader lets no other through.
  return kind->create_transport(spec, {loop_, spawner_, codec_, verdicts_});
}

std::unique_ptr<io::McpTransport> ServerTransports::create_stdio(const pool::ServerSpec& spec) {
  io::StdioTransportOptions options;
  options.server = spec.spawn;
  options.limits = spec.limits;
  options.negotiation.identity = verdict_key(spec, files_);
  options.negotiation.pinned_revision = spec.pinned_revision;
  options.negotiation.pinned_era = spec.pinned_era;
  options.negotiation.verdicts = &verdicts_;
  return std::make_unique<io::StdioTransport>(loop_, spawner_, codec_, std::move(options));
}

std::unique_ptr<io::McpTransport> ServerTransports::create_http(const pool::ServerSpec& spec) {
  io::StreamableHttpOptions options;
  options.identity = spec.identity;
  options.endpoint = spec.http;
  options.limits = spec.limits;
  options.pinned_revision = spec.pinned_revision;
  options.pinned_era = spec.pinned_era;
  options.is_http_sse = spec.kind == pool::ServerKind::kSse;
  options.verdicts = &verdicts_;
  return std::make_unique<io::StreamableHttpTransport>(loop_, ensure_http_client(), codec_,
                                                       std::move(options));
}

io::HttpClient& ServerTransports::ensure_http_client() {
  if (http_client_ != nullptr) return *http_client_;
  Result<std::unique_ptr<io::CurlClient>> client = io::CurlClient::create(loop_);
  if (client.has_value()) {
    http_client_ = *std::move(client);
  } else {
    http_client_ = std::make_unique<NoHttpClient>(loop_, client.error());
  }
  return *http_client_;
}

}  // namespace mcpwire::daemon
