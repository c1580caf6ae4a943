// SPDX-License-Identifier: MIT
#include "io/detail/registered_buffer_group.hpp"

#include <bit>

namespace mcpwire::io::detail {

Result<std::unique_ptr<RegisteredBufferGroup>> RegisteredBufferGroup::create(
    io_uring& ring, std::uint16_t id, const BufferGroupOptions& options) {
  std::unique_ptr<RegisteredBufferGroup> group(new RegisteredBufferGroup(id, options));
  TRY(group->map(options.count * sizeof(io_uring_buf)));
  group->ring_ = static_cast<io_uring_buf_ring*>(group->head());
  io_uring_buf_reg registration{};
  registration.ring_addr = std::bit_cast<std::uintptr_t>(group->head());
  registration.ring_entries = options.count;
  registration.bgid = id;
  if (const int error = io_uring_register_buf_ring(&ring, &registration, 0); error < 0) {
    return fail(Error::from_errno(ErrorKind::kInternal, -error, "io_uring_register_buf_ring"));
  }
  io_uring_buf_ring_init(group->ring_);
  for (std::uint32_t buffer = 0; buffer < options.count; ++buffer) {
    group->give_back(static_cast<std::uint16_t>(buffer));
  }
  return group;
}

void RegisteredBufferGroup::make_free(std::uint16_t buffer) noexcept {
  io_uring_buf_ring_add(ring_, buffer_at(buffer), bytes_each(), buffer,
                        io_uring_buf_ring_mask(count()), 0);
  io_uring_buf_ring_advance(ring_, 1);
}

}  // namespace mcpwire::io::detail
