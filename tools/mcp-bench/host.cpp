// SPDX-License-Identifier: MIT
#include "tools/mcp-bench/host.hpp"

#include "protocol/base/system_clock.hpp"

#include <sched.h>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>

namespace mcpwire::bench_tool {
namespace {

// A sleep on this class of machines ends about 35 us late: shorter silences are spun.
constexpr std::uint64_t kSleepNsMin = 200 * kNanosecondsPerMicrosecond;

}  // namespace

void wait_ns(std::uint64_t ns) noexcept {
  if (ns == 0) return;
  if (ns >= kSleepNsMin) {
    const timespec span{static_cast<time_t>(ns / kNanosecondsPerSecond),
                        static_cast<long>(ns % kNanosecondsPerSecond)};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);
    return;
  }
  const std::uint64_t end_ns = monotonic_now_ns() + ns;
  while (monotonic_now_ns() < end_ns) {
  }
}

Result<void> pin_process(std::int32_t process_id, int cpu) {
  if (cpu < 0) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(process_id, sizeof(set), &set) != 0) {
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno,
                                  "cannot pin a process to CPU " + std::to_string(cpu)));
  }
  return {};
}

int pin_at(const std::vector<int>& pins, std::size_t index) noexcept {
  return index < pins.size() ? pins[index] : -1;
}

Result<std::string> sibling_program(const std::string& name) {
  std::error_code failure;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (failure)
    return fail(Error::from_errno(ErrorKind::kInternal, failure.value(), "/proc/self/exe"));
  const auto program = self.parent_path() / name;
  if (!std::filesystem::exists(program, failure)) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kCommandNotFound,
                program.string() + " is missing: build it first");
  }
  return program.string();
}

Result<ScratchDirectory> ScratchDirectory::create() {
  const char* base = std::getenv("TMPDIR");
  std::string path = std::string(base != nullptr ? base : "/tmp") + "/mcp-bench.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return fail(Error::from_errno(ErrorKind::kConfiguration, errno, "cannot make " + path));
  }
  return ScratchDirectory(std::move(path));
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace mcpwire::bench_tool
