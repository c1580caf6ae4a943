// SPDX-License-Identifier: MIT
#include "tests/support/fake_process_spawner.hpp"

#include "protocol/base/check.hpp"

#include <csignal>

namespace mcpwire::test_support {

void FakeChild::exit(ExitStatus status) {
  if (status_.has_value()) return;
  status_ = status;
  tell_exit();
}

void FakeChild::die(ExitStatus status) {
  output.feed_end();
  error_output.feed_end();
  exit(status);
}

void FakeChild::tell_exit() {
  if (status_.has_value() && observer_ != nullptr) loop.post(*this);
}

void FakeChild::run() {
  if (observer_ != nullptr) std::exchange(observer_, nullptr)->on_exit(*status_);
}

class FakeChildProcess final : public ChildProcess {
 public:
  explicit FakeChildProcess(std::shared_ptr<FakeChild> child) noexcept : child_(std::move(child)) {}
  ~FakeChildProcess() override {
    child_->is_destroyed = true;
    child_->observer_ = nullptr;
    child_->input.close();
    child_->output.close();
    child_->error_output.close();
  }

  std::int32_t process_id() const noexcept override { return child_->process_id; }
  ByteWriter& standard_input() override { return child_->input; }
  ByteReader& standard_output() override { return child_->output; }
  ByteReader& standard_error() override { return child_->error_output; }
  void observe_exit(ExitObserver& observer) override {
    MCPWIRE_CHECK(child_->observer_ == nullptr);
    child_->observer_ = &observer;
    child_->tell_exit();
  }
  void signal_group(StopSignal signal) noexcept override {
    if (child_->has_exited()) return;
    child_->signals.push_back(signal);
    if (signal == StopSignal::kKill) {
      child_->exit({true, SIGKILL});
    } else if (child_->exits_on_terminate) {
      child_->exit({true, SIGTERM});
    }
  }

 private:
  std::shared_ptr<FakeChild> child_;
};

Result<std::unique_ptr<ChildProcess>> FakeProcessSpawner::spawn(const SpawnRequest& request) {
  if (next_failure_.has_value()) return fail(*std::exchange(next_failure_, std::nullopt));
  auto child = std::make_shared<FakeChild>(loop_);
  child->request = request;
  child->process_id = next_process_id_++;
  children_.push_back(child);
  return std::make_unique<FakeChildProcess>(std::move(child));
}

}  // namespace mcpwire::test_support
