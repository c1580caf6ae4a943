// SPDX-License-Identifier: MIT
//
// FakeProcessSpawner: child processes whose other side is the test.
// Threading: the loop's thread.
#pragma once

#include "protocol/base/seams/event_loop.hpp"
#include "protocol/base/seams/process_spawner.hpp"
#include "tests/support/fake_byte_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace mcpwire::test_support {

/// The test's side of a child; outlives the ChildProcess it belongs to.
struct FakeChild final : private Runnable {
  explicit FakeChild(EventLoop& event_loop) noexcept
      : loop(event_loop), input(event_loop), output(event_loop), error_output(event_loop) {}

  /// The process ends. Streams are ended by the test, as a grandchild may hold them open.
  void exit(ExitStatus status);
  /// As a crash: output ends, then the process.
  void die(ExitStatus status);
  bool has_exited() const noexcept { return status_.has_value(); }

  EventLoop& loop;
  FakeByteWriter input;
  FakeByteReader output;
  FakeByteReader error_output;
  SpawnRequest request;
  std::vector<StopSignal> signals;
  std::int32_t process_id = 0;
  bool is_destroyed = false;       ///< The ChildProcess is gone.
  bool exits_on_terminate = true;  ///< False: only kKill ends it.

 private:
  friend class FakeChildProcess;
  void run() override;
  void tell_exit();

  std::optional<ExitStatus> status_;
  ChildProcess::ExitObserver* observer_ = nullptr;
};

class FakeProcessSpawner final : public ProcessSpawner {
 public:
  explicit FakeProcessSpawner(EventLoop& loop) noexcept : loop_(loop) {}

  Result<std::unique_ptr<ChildProcess>> spawn(const SpawnRequest& request) override;

  /// The next spawn fails.
  void fail_next(Error error) { next_failure_ = std::move(error); }
  /// Children in the order in which they were started.
  FakeChild& child(std::size_t index) const { return *children_.at(index); }
  std::size_t spawned() const noexcept { return children_.size(); }

 private:
  EventLoop& loop_;
  std::vector<std::shared_ptr<FakeChild>> children_;
  std::optional<Error> next_failure_;
  std::int32_t next_process_id_ = 1000;
};

}  // namespace mcpwire::test_support
