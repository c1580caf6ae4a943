// SPDX-License-Identifier: MIT
//
// KernelAbility: whether to use something that only newer kernels offer. kHidden is how the tests
// run the fall-back on a kernel that has the ability.
#pragma once

namespace mcpwire::ring {

enum class KernelAbility { kUseIfPresent, kHidden };

}  // namespace mcpwire::ring
