// SPDX-License-Identifier: MIT
#include "io/detail/channel_hello.hpp"

#include "protocol/payload_codec.hpp"
#include "protocol/request_header.hpp"
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
  const bool has_known_values =
      hello.reserved == 0 && hello.config_origin <= protocol::ConfigOrigin::kDiscovered;
  if (!has_known_values) return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  for (const protocol::ByteRange range :
       {hello.config_path, hello.working_directory, hello.environment, hello.client_name}) {
    TRY(reader.text(range));
  }
  return hello;
}

std::string version_text(const HelloRequest& hello) {
  return "no common wire version: the client speaks " + std::to_string(hello.version_min) + " to " +
         std::to_string(hello.version_max) + ", the daemon " +
         std::to_string(protocol::kWireVersion);
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
    refusal = "shared memory is required, but the daemon has none now: " + why.message();
  }
}

Result<HelloVerdict> judge_hello(ByteSpan payload, FeatureMask supported) {
  const auto hello = TRY(read_hello(payload));
  HelloVerdict verdict;
  if (hello.version_min > protocol::kWireVersion || hello.version_max < protocol::kWireVersion) {
    verdict.refusal = version_text(hello);
    return verdict;
  }
  if (const std::uint64_t lacking = hello.features_required & ~supported; lacking != 0) {
    verdict.refusal = "required features are not supported: " + hex(lacking) + "; supported are " +
                      hex(supported);
    return verdict;
  }
  if (hello.ring_bytes != 0 && !ring::is_ring_bytes(hello.ring_bytes)) {
    verdict.refusal = "ring_bytes " + std::to_string(hello.ring_bytes) +
                      " is not a power of two from " + std::to_string(ring::kRingBytesMin) +
                      " to " + std::to_string(ring::kRingBytesMax);
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
    verdict.refusal = "shared memory is required, but ring_bytes is 0";
  }
  verdict.features &= ~(feature::kSharedMemory | feature::kSlabs);
  return verdict;
}

std::string build_refusal(std::string_view message, FeatureMask supported) {
  protocol::PayloadBuilder<protocol::HelloRefusal> builder;
  builder.fixed.version_min = protocol::kWireVersion;
  builder.fixed.version_max = protocol::kWireVersion;
  builder.fixed.features_supported = supported;
  builder.fixed.message = builder.add(message);
  return builder.take();
}

}  // namespace mcpwire::io::detail
