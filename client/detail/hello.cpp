// SPDX-License-Identifier: MIT
#include "client/detail/hello.hpp"

#include "client/detail/violation.hpp"
#include "client/environment_block.hpp"
#include "protocol/params.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/request_header.hpp"

#include <unistd.h>

#include <array>
#include <climits>
#include <cstddef>
#include <utility>

namespace mcpwire::client::detail {

using protocol::HelloRequest;

namespace {

std::string current_directory() {
  std::array<char, PATH_MAX> buffer;
  return ::getcwd(buffer.data(), buffer.size()) == nullptr ? std::string("/") : buffer.data();
}

Failure too_large(std::string_view what) {
  return fail(ErrorKind::kConfiguration, ErrorCode::kTooLarge,
              std::string(what) + " do not fit the handshake");
}

/// Tells which version of the configuration file was meant, and the variables it refers to.
Result<std::string> describe_config(const ConfigReference& config, HelloRequest& hello) {
  FileContents contents = TRY(read_config(config.path));
  const FileIdentity& identity = contents.status.identity;
  hello.config_device = identity.device;
  hello.config_inode = identity.inode;
  hello.config_bytes = identity.bytes;
  hello.config_modified_ns = identity.modified_ns;
  hello.config_changed_ns = identity.changed_ns;
  hello.config_origin = config.origin;
  return std::move(contents.text);
}

}  // namespace

Result<std::string> build_hello(const ConnectOptions& options) {
  protocol::PayloadBuilder<HelloRequest> builder;
  HelloRequest& hello = builder.fixed;
  hello.version_min = protocol::kWireVersion;
  hello.version_max = protocol::kWireVersion;
  hello.ring_bytes = options.ring_bytes;
  hello.features_optional = protocol::feature::kProgress | protocol::feature::kMessages;
  if (options.ring_bytes != 0) {
    hello.features_optional |= protocol::feature::kSharedMemory | protocol::feature::kRingRenewal |
                               protocol::feature::kSlabs;
  }
  std::string config_text;
  if (options.config) config_text = TRY(describe_config(*options.config, hello));
  const std::string directory =
      options.working_directory.empty() ? current_directory() : options.working_directory;
  const std::string path = options.config ? options.config->path : std::string();
  const std::size_t others =
      sizeof(HelloRequest) + directory.size() + path.size() + options.client_name.size();
  if (others > protocol::kInlinePayloadBytesMax) return too_large("paths and names");
  const std::string environment =
      TRY(build_environment_block(config_text, environ, protocol::kInlinePayloadBytesMax - others));
  hello.config_path = builder.add(path);
  hello.working_directory = builder.add(directory);
  hello.environment = builder.add(environment);
  hello.client_name = builder.add(options.client_name);
  return builder.take();
}

Result<Agreement> parse_hello_reply(ByteSpan payload, std::uint32_t wished_ring_bytes) {
  const protocol::PayloadReader reader(payload);
  const auto reply = TRY(reader.fixed<protocol::HelloReply>());
  if (reply.version != protocol::kWireVersion) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kVersionMismatch);
  }
  const bool shares = (reply.features & protocol::feature::kSharedMemory) != 0;
  if (shares != (reply.ring_bytes != 0) || (shares && reply.ring_bytes != wished_ring_bytes)) {
    return violation("answer to HELLO with shared memory that was not asked for");
  }
  return Agreement{reply.version,         reply.features,
                   reply.daemon_instance, reply.daemon_pid,
                   reply.ring_bytes,      std::string(TRY(reader.text(reply.daemon_version)))};
}

Error refusal_error(ByteSpan payload) {
  constexpr std::size_t kRequired = offsetof(protocol::HelloRefusal, error_kind);
  const protocol::PayloadReader reader(payload);
  const auto refusal = reader.fixed<protocol::HelloRefusal, kRequired>();
  std::string text = "the daemon refused the connection";
  if (!refusal) {
    return Error::with_detail(ErrorKind::kUnsupported, ErrorCode::kVersionMismatch,
                              std::move(text));
  }
  if (const auto words = reader.text(refusal->message); words && !words->empty()) {
    text += ": " + std::string(*words);
  }
  const bool says_why = refusal->error_kind != 0 &&
                        refusal->error_kind <= static_cast<std::uint32_t>(ErrorKind::kInternal);
  const auto kind =
      says_why ? static_cast<ErrorKind>(refusal->error_kind) : ErrorKind::kUnsupported;
  const auto code =
      says_why ? static_cast<ErrorCode>(refusal->error_code) : ErrorCode::kVersionMismatch;
  if (code == ErrorCode::kVersionMismatch) {
    text += " (it speaks wire versions " + std::to_string(refusal->version_min) + " to " +
            std::to_string(refusal->version_max) + ")";
  }
  return Error::with_detail(kind, code, std::move(text));
}

}  // namespace mcpwire::client::detail
