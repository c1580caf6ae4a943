// SPDX-License-Identifier: MIT
#include "io/guardian.hpp"

#include "io/detail/child_clone.hpp"
#include "io/guardian_main.hpp"
#include "protocol/base/check.hpp"
#include "protocol/base/seams/clock.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <utility>

namespace mcpwire::io {
namespace {

/// A guardian that dies at once must not be restarted in a busy loop.
constexpr std::uint64_t kRestartPauseNs = kNanosecondsPerSecond;

Result<UniqueFd> open_null_device() {
  UniqueFd null_device(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_device) return fail(Error::from_errno(ErrorKind::kInternal, errno, "/dev/null"));
  return detail::above_standard_streams(std::move(null_device));
}

}  // namespace

Guardian::Guardian(Loop& loop, GuardianOptions options) noexcept
    : loop_(loop), options_(std::move(options)) {}

Result<std::unique_ptr<Guardian>> Guardian::start(Loop& loop, GuardianOptions options) {
  std::unique_ptr<Guardian> guardian(new Guardian(loop, std::move(options)));
  TRY(guardian->start_process());
  return guardian;
}

Guardian::~Guardian() {
  for (const std::int32_t group : groups_) kill(-group, SIGKILL);
  end_process();
}

Result<void> Guardian::start_process() {
  detail::Pipe pipe = TRY(detail::create_pipe());
  const UniqueFd null_device = TRY(open_null_device());
  // Only our end: a guardian that is stopped (SIGSTOP) must not be able to stop us.
  fcntl(pipe.write_end.get(), F_SETFL, O_NONBLOCK);

  std::string name = kGuardianName;
  std::vector<char*> arguments{name.data()};
  for (std::string& argument : options_.arguments) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  char* const no_environment = nullptr;
  detail::ClonedChild child = TRY(detail::clone_child({
      .program = options_.program.c_str(),
      .arguments = arguments.data(),
      .environment = &no_environment,
      .standard_streams = {pipe.read_end.get(), null_device.get(), null_device.get()},
  }));
  if (child.failed_step != detail::ChildStep::kExecuted) {
    static_cast<void>(detail::reap_child(child.pidfd.get(), detail::ReapMode::kWait));
    Error error = Error::with_detail(ErrorKind::kInternal, ErrorCode::kSpawnFailed,
                                     "cannot start the guardian " + options_.program);
    error.os_errno = child.failed_errno;
    return fail(std::move(error));
  }
  pipe_ = std::move(pipe.write_end);
  pidfd_ = std::move(child.pidfd);
  process_id_ = child.process_id;
  started_ns_ = loop_.now_ns();
  FdWatcher::Observer& observer = *this;
  watcher_.emplace(loop_, pidfd_.get(), observer);
  watcher_->start(WatchMode::kOnce);
  return {};
}

void Guardian::end_process() noexcept {
  watcher_.reset();
  if (pidfd_) {
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0U);
    static_cast<void>(detail::reap_child(pidfd_.get(), detail::ReapMode::kWait));
    pidfd_.reset();
  }
  // Not before: for a guardian that lives, the end of the pipe is the order to kill.
  pipe_.reset();
  process_id_ = 0;
}

void Guardian::on_ready(unsigned) {
  end_process();
  if (loop_.now_ns() - started_ns_ < kRestartPauseNs) {
    loop_.arm(*this, loop_.now_ns() + kRestartPauseNs);
  } else {
    replace();
  }
}

void Guardian::replace() {
  end_process();
  bool is_told = start_process().has_value();
  for (const std::int32_t group : groups_) is_told = is_told && tell(group);
  if (is_told) return;
  end_process();
  loop_.arm(*this, loop_.now_ns() + kRestartPauseNs);
}

bool Guardian::tell(std::int32_t record) noexcept {
  const detail::GuardianRecord value = record;
  return write(pipe_.get(), &value, sizeof(value)) == sizeof(value);
}

void Guardian::on_group_started(std::int32_t group_id, Registered registered) {
  MCPWIRE_CHECK(group_id > 1);
  groups_.insert(group_id);
  // It could not be told: dead, or stopped with a full pipe. Only another one can help.
  if (registered == Registered::kNo && !is_armed()) replace();
}

void Guardian::on_group_ended(std::int32_t group_id) {
  if (groups_.erase(group_id) == 0) return;
  // The id may soon be somebody else's: a guardian that still lists it must not live.
  if (pipe_ && !tell(-group_id)) replace();
  if (group_observer_ != nullptr) group_observer_->on_group_ended(group_id);
}

}  // namespace mcpwire::io
