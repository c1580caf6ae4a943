// SPDX-License-Identifier: MIT
//
// Reads any bytes as HELLO, as its answer and as a refusal. What is agreed on is never more than
// was asked for and is supported; a refusal that is built is read back with the same words.
#include "client/detail/hello.hpp"
#include "io/detail/channel_hello.hpp"
#include "protocol/base/check.hpp"
#include "protocol/payload_codec.hpp"
#include "ring/segment_layout.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace mcpwire;

void check_ranges(ByteSpan payload, const protocol::HelloRequest& hello) {
  for (const protocol::ByteRange range :
       {hello.config_path, hello.working_directory, hello.environment, hello.client_name}) {
    MCPWIRE_CHECK(std::uint64_t{range.offset} + range.bytes <= payload.size());
  }
}

void fuzz_hello(ByteSpan payload, std::uint64_t supported) {
  const auto verdict = io::detail::judge_hello(payload, supported);
  if (!verdict) {
    MCPWIRE_CHECK(verdict.error().kind == ErrorKind::kInvalid);
    return;
  }
  const auto hello = protocol::PayloadReader(payload).fixed<protocol::HelloRequest>();
  MCPWIRE_CHECK(hello.has_value());
  check_ranges(payload, *hello);
  if (verdict->refusal) {
    const std::string refusal = io::detail::build_refusal(*verdict->refusal, supported);
    const Error error = client::detail::refusal_error(as_bytes(refusal));
    MCPWIRE_CHECK(error.kind == verdict->refusal->kind);
    MCPWIRE_CHECK(error.code == verdict->refusal->code);
    MCPWIRE_CHECK(error.message().find(verdict->refusal->message()) != std::string::npos);
    return;
  }
  const std::uint64_t wanted = hello->features_required | hello->features_optional;
  MCPWIRE_CHECK((verdict->features & ~(wanted & supported)) == 0);
  MCPWIRE_CHECK((hello->features_required & ~verdict->features) == 0);
  const bool shares = (verdict->features & protocol::feature::kSharedMemory) != 0;
  MCPWIRE_CHECK(shares == (verdict->ring_bytes != 0));
  if (!shares) return;
  MCPWIRE_CHECK(ring::is_ring_bytes(verdict->ring_bytes));
  MCPWIRE_CHECK(verdict->ring_bytes == hello->ring_bytes);
  MCPWIRE_CHECK(hello->version_min <= 1 && hello->version_max >= 1);
}

void fuzz_reply(ByteSpan payload, std::uint32_t wished) {
  const auto agreement = client::detail::parse_hello_reply(payload, wished);
  if (!agreement) return;
  MCPWIRE_CHECK(agreement->version == protocol::kWireVersion);
  MCPWIRE_CHECK(agreement->ring_bytes == 0 || agreement->ring_bytes == wished);
  MCPWIRE_CHECK(agreement->daemon_version.size() <= payload.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteSpan payload =
      as_bytes({static_cast<const char*>(static_cast<const void*>(data + 1)), size - 1});
  const std::uint64_t supported = data[0] & 3;
  fuzz_hello(payload, supported);
  fuzz_reply(payload, 0);
  fuzz_reply(payload, 65'536);
  MCPWIRE_CHECK(!client::detail::refusal_error(payload).message().empty());
  return 0;
}
