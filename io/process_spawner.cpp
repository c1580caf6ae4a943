// SPDX-License-Identifier: MIT
#include "io/process_spawner.hpp"

#include "io/detail/child_clone.hpp"
#include "io/fd_stream.hpp"
#include "io/fd_watcher.hpp"
#include "io/redaction.hpp"
#include "protocol/base/check.hpp"

#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mcpwire::io {
namespace {

using detail::ChildStep;
using detail::ClonedChild;

struct ParentEnds {
  UniqueFd input;
  UniqueFd output;
  UniqueFd error_output;
};

class SpawnedChild final : public ChildProcess, private FdWatcher::Observer, private Runnable {
 public:
  SpawnedChild(Loop& loop, Guardian& guardian, ClonedChild child, ServerCgroup cgroup,
               ParentEnds ends)
      : loop_(loop),
        guardian_(guardian),
        cgroup_(std::move(cgroup)),
        process_id_(child.process_id),
        pidfd_(std::move(child.pidfd)),
        input_(loop, std::move(ends.input)),
        output_(loop, std::move(ends.output), TrafficClass::kBulk),
        error_output_(loop, std::move(ends.error_output), TrafficClass::kSmall),
        watcher_(loop, pidfd_.get(), *this) {
    watcher_.start(WatchMode::kOnce);
  }

  ~SpawnedChild() override {
    watcher_.stop();
    if (status_.has_value()) return;
    end_group();
    static_cast<void>(detail::reap_child(pidfd_.get(), detail::ReapMode::kWait));
  }

  std::int32_t process_id() const noexcept override { return process_id_; }
  ByteWriter& standard_input() override { return input_; }
  ByteReader& standard_output() override { return output_; }
  ByteReader& standard_error() override { return error_output_; }

  void observe_exit(ExitObserver& observer) override {
    MCPWIRE_CHECK(observer_ == nullptr);
    observer_ = &observer;
    if (status_.has_value()) loop_.post(*this);
  }

  void signal_group(StopSignal signal) noexcept override {
    if (status_.has_value()) return;
    kill(-process_id_, signal == StopSignal::kKill ? SIGKILL : SIGTERM);
  }

 private:
  /// The leader is running or a zombie, so the group's id is still ours.
  void end_group() noexcept {
    kill(-process_id_, SIGKILL);
    cgroup_.end();
    guardian_.on_group_ended(process_id_);
  }

  void on_ready(unsigned) override {
    end_group();
    status_ = detail::reap_child(pidfd_.get(), detail::ReapMode::kWait);
    MCPWIRE_CHECK(status_.has_value());
    run();
  }

  void run() override {
    if (ExitObserver* observer = std::exchange(observer_, nullptr)) observer->on_exit(*status_);
  }

  Loop& loop_;
  Guardian& guardian_;
  ServerCgroup cgroup_;
  std::int32_t process_id_;
  UniqueFd pidfd_;
  FdWriter input_;
  FdReader output_;
  FdReader error_output_;
  FdWatcher watcher_;
  std::optional<ExitStatus> status_;
  ExitObserver* observer_ = nullptr;
};

/// Room behind a soft limit of processor time, for a server that cleans up when it is told.
constexpr std::uint64_t kCpuGraceSeconds = 2;

struct ChildLimits {
  std::array<detail::ChildLimit, 5> list{};
  std::size_t count = 0;
  void add(int resource, std::uint64_t soft, std::uint64_t hard) {
    list[count++] = {resource, soft, hard};
  }
};

/// `counts_processes`: the server's cgroup does it.
ChildLimits limits_of(const ProcessLimits& limits, bool counts_processes) {
  ChildLimits made;
  made.add(RLIMIT_CORE, 0, 0);
  if (limits.open_files != 0) made.add(RLIMIT_NOFILE, limits.open_files, limits.open_files);
  if (limits.address_space_bytes != 0) {
    made.add(RLIMIT_AS, limits.address_space_bytes, limits.address_space_bytes);
  }
  if (limits.cpu_seconds != 0) {
    made.add(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + kCpuGraceSeconds);
  }
  if (limits.processes != 0 && !counts_processes) {
    made.add(RLIMIT_NPROC, limits.processes, limits.processes);
  }
  return made;
}

/// The texts of a request as the kernel wants them. Points into the request.
std::vector<char*> null_terminated(const char* first, const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 2);
  // execve takes char* const[] and changes nothing.
  if (first != nullptr) pointers.push_back(const_cast<char*>(first));
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool has_nul(const SpawnRequest& request) {
  const auto has = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  for (const std::string& text : request.arguments) {
    if (has(text)) return true;
  }
  for (const std::string& text : request.environment) {
    if (has(text)) return true;
  }
  return has(request.program) || has(request.working_directory);
}

Failure unusable(std::string text) {
  return fail(ErrorKind::kConfiguration, ErrorCode::kSpawnFailed, std::move(text));
}

Error step_error(const ClonedChild& child, const SpawnRequest& request) {
  const bool is_missing = child.failed_step == ChildStep::kExecute && child.failed_errno == ENOENT;
  Error error = Error::of(ErrorKind::kConfiguration,
                          is_missing ? ErrorCode::kCommandNotFound : ErrorCode::kSpawnFailed);
  // Both were expanded, with what may be a secret.
  const auto shown = [&](const std::string& path) { return shown_text(path, request); };
  std::string text;
  switch (child.failed_step) {
    case ChildStep::kDirectory:
      text = "cannot enter the directory " + shown(request.working_directory);
      break;
    case ChildStep::kExecute:
      text = "cannot execute " + shown(request.program);
      break;
    case ChildStep::kLimits:
      text = "cannot set the limits of " + shown(request.program);
      break;
    default:
      error.kind = ErrorKind::kInternal;
      text = "cannot prepare the process of " + shown(request.program);
      break;
  }
  error.os_errno = child.failed_errno;
  error.detail = std::make_shared<const std::string>(std::move(text));
  return error;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> UringProcessSpawner::spawn(const SpawnRequest& request) {
  if (!request.program.starts_with('/')) {
    return unusable("not an absolute path: " + shown_text(request.program, request));
  }
  if (has_nul(request)) {
    return unusable("a NUL byte in the command of " + shown_text(request.program, request));
  }
  detail::Pipe input = TRY(detail::create_pipe());
  detail::Pipe output = TRY(detail::create_pipe());
  detail::Pipe error_output = TRY(detail::create_pipe());

  const std::vector<char*> arguments = null_terminated(request.program.c_str(), request.arguments);
  const std::vector<char*> environment = null_terminated(nullptr, request.environment);
  // A server without one is still ended by its group.
  ServerCgroup cgroup;
  if (cgroups_ != nullptr) cgroup = cgroups_->make(request.limits).value_or(ServerCgroup());
  const ChildLimits limits = limits_of(request.limits, cgroup && cgroups_->can_limit_processes());
  ClonedChild child = TRY(detail::clone_child({
      .program = request.program.c_str(),
      .arguments = arguments.data(),
      .environment = environment.data(),
      .directory = request.working_directory.empty() ? "/" : request.working_directory.c_str(),
      .standard_streams = {input.read_end.get(), output.write_end.get(),
                           error_output.write_end.get()},
      .guardian_fd = guardian_.registration_fd(),
      .cgroup_fd = cgroup.directory_fd(),
      .limits = std::span(limits.list).first(limits.count),
      .dies_with_parent = true,
  }));
  guardian_.on_group_started(child.process_id, child.is_registered ? Guardian::Registered::kYes
                                                                   : Guardian::Registered::kNo);
  if (child.failed_step != ChildStep::kExecuted) {
    guardian_.on_group_ended(child.process_id);
    static_cast<void>(detail::reap_child(child.pidfd.get(), detail::ReapMode::kWait));
    return fail(step_error(child, request));
  }
  if (!child.is_in_cgroup) cgroup = ServerCgroup();
  return std::make_unique<SpawnedChild>(
      loop_, guardian_, std::move(child), std::move(cgroup),
      ParentEnds{std::move(input.write_end), std::move(output.read_end),
                 std::move(error_output.read_end)});
}

}  // namespace mcpwire::io
