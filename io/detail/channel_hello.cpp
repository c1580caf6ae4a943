// SPDX-License-Identifier: MIT
#include "io/detail/channel_hello.hpp"

#include "protocol/payload_codec.hpp"
#include "protocol/request_header.hpp"
#include "ring/control_socket.hpp"
#include "ring/segment_layout.hpp"

#include <utility>

namespace mcpwire::io::detail {

using protocol::HelloRequest;
namespace feature = protocol::feature;

namespace {

/// Room for every HELLO of this wire version: the struct grows only at its end.
Result<HelloRequest> read_hello(ByteSpan payload) {
  const protocol::PayloadReader reader(payload);
  const auto hello = TRY(reader.fixed<HelloRequest>());
  if (hello.config_origin > protocol::ConfigOrigin::kDiscovered) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  }
  for (const protocol::ByteRange range :
       {hello.config_path, hello.working_directory, hello.environment, hello.client_name}) {
    TRY(reader.text(range));
  }
  return hello;
}

Error unsupported(ErrorCode code, std::string what) {
  return Error::with_detail(ErrorKind::kUnsupported, code, std::move(what));
}

Error version_mismatch(const HelloRequest& hello) {
  return unsupported(ErrorCode::kVersionMismatch, "no common wire version: the client speaks " +
                                                      std::to_string(hello.version_min) + " to " +
                                                      std::to_string(hello.version_max) +
                                                      ", the daemon " +
                                                      std::to_string(protocol::kWireVersion));
}

std::string hex(std::uint64_t value) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789abcdef"[value & 0xf]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

}  // namespace

void HelloVerdict::withhold_shared_memory(const Error& why) {
  ring_bytes = 0;
  features &= ~(feature::kSharedMemory | feature::kSlabs);
  if (requires_shared_memory) {
    refusal = Error::with_detail(
        ErrorKind::kOverloaded, why.code,
        "shared memory is required, but the daemon has none now: " + why.message());
  }
}

Result<HelloVerdict> judge_hello(ByteSpan payload, FeatureMask supported) {
  const auto hello = TRY(read_hello(payload));
  HelloVerdict verdict;
  if (hello.version_min > protocol::kWireVersion || hello.version_max < protocol::kWireVersion) {
    verdict.refusal = version_mismatch(hello);
    return verdict;
  }
  if (const std::uint64_t lacking = hello.features_required & ~supported; lacking != 0) {
    verdict.refusal = unsupported(ErrorCode::kVersionMismatch,
                                  "required features are not supported: " + hex(lacking) +
                                      "; supported are " + hex(supported));
    return verdict;
  }
  if (hello.ring_bytes != 0 && !ring::is_ring_bytes(hello.ring_bytes)) {
    verdict.refusal = unsupported(
        ErrorCode::kUnspecified,
        "ring_bytes " + std::to_string(hello.ring_bytes) + " is not a power of two from " +
            std::to_string(ring::kRingBytesMin) + " to " + std::to_string(ring::kRingBytesMax));
    return verdict;
  }
  const std::uint64_t wanted = hello.features_required | hello.features_optional;
  verdict.features = wanted & supported;
  verdict.requires_shared_memory = (hello.features_required & feature::kSharedMemory) != 0;
  // Both the bit and a size, or no shared memory.
  if ((verdict.features & feature::kSharedMemory) != 0 && hello.ring_bytes != 0) {
    verdict.ring_bytes = hello.ring_bytes;
    return verdict;
  }
  if (verdict.requires_shared_memory) {
    verdict.refusal =
        unsupported(ErrorCode::kUnspecified, "shared memory is required, but ring_bytes is 0");
  }
  verdict.features &= ~(feature::kSharedMemory | feature::kSlabs);
  return verdict;
}

std::string build_refusal(const Error& why, FeatureMask supported) {
  protocol::PayloadBuilder<protocol::HelloRefusal> builder;
  builder.fixed.version_min = protocol::kWireVersion;
  builder.fixed.version_max = protocol::kWireVersion;
  builder.fixed.features_supported = supported;
  builder.fixed.message = builder.add(why.message());
  builder.fixed.error_kind = static_cast<std::uint32_t>(why.kind);
  builder.fixed.error_code = static_cast<std::uint32_t>(why.code);
  return builder.take();
}

void send_refusal(int socket_fd, std::uint64_t correlation, const Error& why) noexcept {
  const std::string refusal = build_refusal(why, feature::kSupported);
  const ring::OutgoingFrame frame{
      protocol::make_header(protocol::FrameKind::kError, protocol::Method::kHello,
                            protocol::Outcome::kRejected),
      correlation,
      as_bytes(refusal),
      {},
      -1};
  static_cast<void>(ring::send_frame(socket_fd, frame));
}

}  // namespace mcpwire::io::detail
