// SPDX-License-Identifier: MIT
#include "ring/sealed_payload.hpp"

#include "protocol/request_header.hpp"
#include "ring/detail/memory_file.hpp"

#include <cerrno>

#include <unistd.h>

namespace mcpwire::ring {

static Result<void> write_all(int fd, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, "write"));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<UniqueFd> create_sealed(ByteSpan head, ByteSpan body, KernelAbility no_exec_seal) {
  const std::uint64_t bytes = std::uint64_t{head.size()} + body.size();
  if (bytes == 0) return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified);
  if (bytes > protocol::kMessageBytesMax) return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge);
  UniqueFd fd = TRY(detail::create_memory_file("mcpwire-payload", no_exec_seal));
  // write() and not a mapping: F_SEAL_WRITE is refused while a writable mapping exists.
  TRY(write_all(fd.get(), head));
  TRY(write_all(fd.get(), body));
  TRY(detail::seal_memory_file(fd.get(), detail::immutable_seals()));
  return fd;
}

Result<SealedMapping> SealedMapping::map(UniqueFd fd, std::uint64_t bytes) {
  if (bytes == 0 || bytes > protocol::kMessageBytesMax) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation);
  }
  TRY(detail::check_memory_file(fd.get(), detail::immutable_seals(), bytes));
  // Private: kernels before 6.7 refuse a shared mapping of a write-sealed file, even to read.
  return SealedMapping(TRY(detail::Mapping::create(fd.get(), static_cast<std::size_t>(bytes),
                                                   detail::MapMode::kPrivateReadOnly)));
}

}  // namespace mcpwire::ring
