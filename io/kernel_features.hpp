// SPDX-License-Identifier: MIT
//
// KernelFeatures: what this kernel offers beyond the floor of Linux 6.1, probed once at start.
// Each feature can be hidden, so that the code for old kernels is tested on new ones and a person
// can work around a kernel's bug without a new build.
//
// Threading: a value; share freely.
#pragma once

#include "protocol/base/result.hpp"

#include <cstdint>
#include <string_view>

namespace mcpwire::io {

enum class KernelFeature : std::uint32_t {
  kReadMultishot = 1U << 0,  ///< IORING_OP_READ_MULTISHOT, Linux 6.7.
  kPeerPidfd = 1U << 1,      ///< SO_PEERPIDFD, Linux 6.5.
  kNoExecSeal = 1U << 2,     ///< MFD_NOEXEC_SEAL, Linux 6.3.
};

/// Hides everything that Linux 6.1 (Debian 12) lacks.
inline constexpr std::uint32_t kKernel61Mask = 0b111;

/// The environment variable that programs read and give to parse_hidden_features().
inline constexpr const char* kHideKernelFeaturesVariable = "MCPWIRE_HIDE_KERNEL_FEATURES";

class KernelFeatures {
 public:
  constexpr KernelFeatures() noexcept = default;
  constexpr explicit KernelFeatures(std::uint32_t bits) noexcept : bits_(bits) {}
  constexpr bool has(KernelFeature feature) const noexcept {
    return (bits_ & static_cast<std::uint32_t>(feature)) != 0;
  }
  constexpr std::uint32_t bits() const noexcept { return bits_; }

 private:
  std::uint32_t bits_ = 0;
};

/// Asks the kernel for each feature that is not in `hidden`. Costs about 100 us.
KernelFeatures probe_kernel_features(std::uint32_t hidden);

/// "" is 0, "6.1" is kKernel61Mask, else a decimal or 0x mask. Anything else is
/// ErrorKind::kConfiguration with a text that names the variable.
Result<std::uint32_t> parse_hidden_features(std::string_view text);

}  // namespace mcpwire::io
