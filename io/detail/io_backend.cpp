// SPDX-License-Identifier: MIT
#include "io/detail/io_backend.hpp"

#include "protocol/base/seams/clock.hpp"

namespace mcpwire::io::detail {

void BuryOp::operator()(Op* op) const noexcept {
  if (!op->in_flight_ && !op->completing_) {
    delete op;
    return;
  }
  op->backend_.bury(*op);
}

void IoBackend::bury(Op& op) noexcept {
  op.on_buried();
  if (op.in_flight_) cancel(op);
  graveyard_.push_back(op);
}

void IoBackend::drain_graveyard() {
  while (!graveyard_.empty()) {
    submit_and_wait(kNever);
    dispatch();
  }
}

}  // namespace mcpwire::io::detail
