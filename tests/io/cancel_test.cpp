// SPDX-License-Identifier: MIT
#include "io/cancel.hpp"

#include <gtest/gtest.h>
#include <optional>

namespace mcpwire::io {
namespace {

class RecordingHook final : public CancelHook {
 public:
  void on_cancel(CancelCause cause) override {
    ++calls;
    last = cause;
    if (also_unlinks != nullptr) also_unlinks->unlink();
  }
  int calls = 0;
  CancelCause last = CancelCause::kNone;
  RecordingHook* also_unlinks = nullptr;
};

TEST(CancelScopeTest, TellsEveryHookOnce) {
  CancelScope scope;
  RecordingHook first;
  RecordingHook second;
  scope.attach(first);
  scope.attach(second);
  scope.cancel(CancelCause::kDeadline);
  scope.cancel(CancelCause::kCaller);
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 1);
  EXPECT_EQ(first.last, CancelCause::kDeadline);
  EXPECT_EQ(scope.cause(), CancelCause::kDeadline) << "the first cause stays";
}

TEST(CancelScopeTest, TellsALateHookAtOnce) {
  CancelScope scope;
  scope.cancel(CancelCause::kShutdown);
  RecordingHook hook;
  scope.attach(hook);
  EXPECT_EQ(hook.calls, 1);
  EXPECT_EQ(hook.last, CancelCause::kShutdown);
  EXPECT_FALSE(hook.is_linked());
}

TEST(CancelScopeTest, ForgetsAHookThatIsGone) {
  CancelScope scope;
  {
    RecordingHook gone;
    scope.attach(gone);
  }
  scope.cancel(CancelCause::kCaller);
  EXPECT_TRUE(scope.is_cancelled());
}

TEST(CancelScopeTest, AHookMayTakeAnotherOut) {
  CancelScope scope;
  RecordingHook first;
  RecordingHook second;
  first.also_unlinks = &second;
  scope.attach(first);
  scope.attach(second);
  scope.cancel(CancelCause::kCaller);
  EXPECT_EQ(second.calls, 0);
}

TEST(CancelScopeTest, ReachesTheWholeTree) {
  CancelScope root;
  CancelScope child(root);
  CancelScope grandchild(child);
  RecordingHook hook;
  grandchild.attach(hook);
  root.cancel(CancelCause::kPeerGone);
  EXPECT_EQ(hook.last, CancelCause::kPeerGone);
}

TEST(CancelScopeTest, DoesNotReachUpwards) {
  CancelScope root;
  CancelScope child(root);
  child.cancel(CancelCause::kCaller);
  EXPECT_FALSE(root.is_cancelled());
}

TEST(CancelScopeTest, AChildOfACancelledScopeIsCancelled) {
  CancelScope root;
  root.cancel(CancelCause::kShutdown);
  const CancelScope child(root);
  EXPECT_EQ(child.cause(), CancelCause::kShutdown);
}

TEST(CancelScopeTest, EveryCauseHasItsOwnError) {
  EXPECT_EQ(error_of(CancelCause::kCaller).code, ErrorCode::kCancelledByCaller);
  EXPECT_EQ(error_of(CancelCause::kDeadline).code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(error_of(CancelCause::kDeadline).kind, ErrorKind::kTimeout);
  EXPECT_EQ(error_of(CancelCause::kPeerGone).code, ErrorCode::kClosed);
  EXPECT_EQ(error_of(CancelCause::kShutdown).code, ErrorCode::kShuttingDown);
  EXPECT_EQ(error_of(CancelCause::kSiblingFailed).code, ErrorCode::kSiblingFailed);
}

}  // namespace
}  // namespace mcpwire::io
