// SPDX-License-Identifier: MIT
//
// Memory files (memfd): making them, sealing them, and checking one that a peer sent.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/kernel_ability.hpp"

#include <cstdint>

namespace mcpwire::ring::detail {

/// One writer, fixed size: the owner's mapping stays writable, no new writable one can be made.
int one_writer_seals() noexcept;
/// Nobody writes any more, fixed size.
int immutable_seals() noexcept;

/// An empty memory file that cannot be executed, where the kernel knows how to forbid it.
/// kOverloaded when out of descriptors or memory, kUnsupported where memfd is refused.
Result<UniqueFd> create_memory_file(const char* name, KernelAbility no_exec_seal);

/// Adds `seals` and forbids further ones.
Result<void> seal_memory_file(int fd, int seals);

/// kInvalid unless `fd` is a memory file in ordinary pages, of exactly `bytes`, that carries all
/// of `seals`. Then no access to its first `bytes` can ever fault.
Result<void> check_memory_file(int fd, int seals, std::uint64_t bytes);

}  // namespace mcpwire::ring::detail
