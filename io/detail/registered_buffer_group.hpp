// SPDX-License-Identifier: MIT
//
// RegisteredBufferGroup: buffers that the kernel itself picks from (io_uring's provided buffer
// rings).
// Threading: the loop's thread.
#pragma once

#include "io/detail/buffer_group.hpp"
#include "io/detail/uring_compat.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire::io::detail {

class RegisteredBufferGroup final : public BufferGroup {
 public:
  /// Registers the group as number `id` of `ring`, which must be closed before the group goes.
  static Result<std::unique_ptr<RegisteredBufferGroup>> create(io_uring& ring, std::uint16_t id,
                                                               const BufferGroupOptions& options);

  std::uint16_t id() const noexcept { return id_; }

 private:
  RegisteredBufferGroup(std::uint16_t id, const BufferGroupOptions& options) noexcept
      : BufferGroup(options), id_(id) {}
  void make_free(std::uint16_t buffer) noexcept override;

  std::uint16_t id_;
  io_uring_buf_ring* ring_ = nullptr;  ///< At the start of the mapping.
};

}  // namespace mcpwire::io::detail
