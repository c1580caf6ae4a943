// SPDX-License-Identifier: MIT
#include "io/cancel.hpp"

#include "protocol/base/check.hpp"

namespace mcpwire::io {

Error error_of(CancelCause cause) {
  switch (cause) {
    case CancelCause::kDeadline:
      return Error::of(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded);
    case CancelCause::kPeerGone:
      return Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed);
    case CancelCause::kShutdown:
      return Error::of(ErrorKind::kCancelled, ErrorCode::kShuttingDown);
    case CancelCause::kSiblingFailed:
      return Error::of(ErrorKind::kCancelled, ErrorCode::kSiblingFailed);
    case CancelCause::kNone:
    case CancelCause::kCaller:
      break;
  }
  return Error::of(ErrorKind::kCancelled, ErrorCode::kCancelledByCaller);
}

void CancelScope::cancel(CancelCause cause) {
  MCPWIRE_CHECK(cause != CancelCause::kNone);
  if (is_cancelled()) return;
  cause_ = cause;
  // Popped one by one: a hook may destroy others of this list.
  while (CancelHook* hook = hooks_.pop_front()) hook->on_cancel(cause);
}

void CancelScope::attach(CancelHook& hook) {
  if (is_cancelled()) {
    hook.on_cancel(cause_);
    return;
  }
  hooks_.push_back(hook);
}

}  // namespace mcpwire::io
