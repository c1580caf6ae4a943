// SPDX-License-Identifier: MIT
//
// CancelScope: the right to give up a piece of work, with the reason. Scopes form a tree: giving
// up a scope gives up all below it. Work in flight registers a CancelHook; what starts after the
// cancellation fails at once.
//
// Threading: the loop's thread.
// Invariants: a hook is called at most once and only records or posts: it never resumes a
// coroutine on the canceller's stack. The first cause stays.
#pragma once

#include "protocol/base/error.hpp"
#include "protocol/base/intrusive_list.hpp"

#include <cstdint>

namespace mcpwire::io {

enum class CancelCause : std::uint8_t {
  kNone = 0,
  kCaller,         ///< Whoever asked for the work took it back.
  kDeadline,       ///< Its time is over.
  kPeerGone,       ///< Nobody is left to take the result.
  kShutdown,       ///< The daemon is stopping.
  kSiblingFailed,  ///< A scope gives up the rest after the first failure.
};

/// The Error that cancelled work reports.
Error error_of(CancelCause cause);

/// Something that must be told. Leaves its scope on destruction.
class CancelHook : public ListNode {
 public:
  virtual void on_cancel(CancelCause cause) = 0;

 protected:
  ~CancelHook() = default;
};

class CancelScope final : private CancelHook {
 public:
  CancelScope() noexcept = default;
  /// Cancelled with, or by, `parent`, which must outlive it.
  explicit CancelScope(CancelScope& parent) { parent.attach(*this); }

  void cancel(CancelCause cause);
  bool is_cancelled() const noexcept { return cause_ != CancelCause::kNone; }
  CancelCause cause() const noexcept { return cause_; }

  /// Registers work in flight. If the scope is cancelled already, the hook is told at once.
  void attach(CancelHook& hook);

 private:
  friend class IntrusiveList<CancelHook>;
  void on_cancel(CancelCause cause) override { cancel(cause); }

  IntrusiveList<CancelHook> hooks_;
  CancelCause cause_ = CancelCause::kNone;
};

}  // namespace mcpwire::io
