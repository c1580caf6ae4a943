// SPDX-License-Identifier: MIT
#include "io/kernel_features.hpp"

#include "io/detail/uring_compat.hpp"
#include "protocol/base/unique_fd.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <charconv>
#include <string>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

namespace mcpwire::io {
namespace {

bool has_read_multishot() {
  io_uring_probe* probe = io_uring_get_probe();
  if (probe == nullptr) return false;
  const bool supported = io_uring_opcode_supported(probe, detail::kOpReadMultishot) != 0;
  io_uring_free_probe(probe);
  return supported;
}

bool has_peer_pidfd() {
  int pair[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
  const UniqueFd near_end(pair[0]);
  const UniqueFd far_end(pair[1]);
  int pidfd = -1;
  socklen_t bytes = sizeof pidfd;
  if (getsockopt(near_end.get(), SOL_SOCKET, SO_PEERPIDFD, &pidfd, &bytes) != 0) return false;
  const UniqueFd closes_it(pidfd);
  return true;
}

bool has_no_exec_seal() {
  const UniqueFd fd(memfd_create("mcpwire-probe", MFD_CLOEXEC | MFD_NOEXEC_SEAL));
  return static_cast<bool>(fd);
}

}  // namespace

KernelFeatures probe_kernel_features(std::uint32_t hidden) {
  std::uint32_t bits = 0;
  const auto add = [&](KernelFeature feature, bool (*is_there)()) {
    const auto bit = static_cast<std::uint32_t>(feature);
    if ((hidden & bit) == 0 && is_there()) bits |= bit;
  };
  add(KernelFeature::kReadMultishot, has_read_multishot);
  add(KernelFeature::kPeerPidfd, has_peer_pidfd);
  add(KernelFeature::kNoExecSeal, has_no_exec_seal);
  return KernelFeatures(bits);
}

Result<std::uint32_t> parse_hidden_features(std::string_view text) {
  if (text.empty()) return 0U;
  if (text == "6.1") return kKernel61Mask;
  int base = 10;
  std::string_view digits = text;
  if (digits.starts_with("0x")) {
    base = 16;
    digits.remove_prefix(2);
  }
  std::uint32_t mask = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped_at, error] = std::from_chars(digits.data(), end, mask, base);
  if (error != std::errc{} || stopped_at != end) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
                std::string(kHideKernelFeaturesVariable) + " must be \"6.1\" or a mask, not \"" +
                    std::string(text) + "\"");
  }
  return mask;
}

}  // namespace mcpwire::io
