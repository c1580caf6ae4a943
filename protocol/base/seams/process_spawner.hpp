// SPDX-License-Identifier: MIT
//
// ProcessSpawner and ChildProcess: the seam behind which MCP servers are started and stopped.
// Real one: io/process_spawner.hpp; fake one: tests/support/fake_process_spawner.hpp.
//
// Threading: the loop's thread.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/seams/byte_stream.hpp"
#include "protocol/base/spawn_request.hpp"

#include <cstdint>
#include <memory>

namespace mcpwire {

enum class StopSignal : std::uint8_t { kTerminate, kKill };

struct ExitStatus {
  bool by_signal = false;
  int code = 0;  ///< Exit code, or the signal's number.
};

class ChildProcess {
 public:
  class ExitObserver {
   public:
    /// Comes once. The process is reaped and its whole group killed; output that it wrote before
    /// may still be delivered afterwards.
    virtual void on_exit(ExitStatus status) = 0;

   protected:
    ~ExitObserver() = default;
  };

  /// Kills the whole process group if it still runs. Never leaves a zombie.
  virtual ~ChildProcess() = default;
  virtual std::int32_t process_id() const noexcept = 0;
  virtual ByteWriter& standard_input() = 0;
  virtual ByteReader& standard_output() = 0;
  virtual ByteReader& standard_error() = 0;
  virtual void observe_exit(ExitObserver& observer) = 0;
  /// Signals the whole process group. After the exit it does nothing.
  virtual void signal_group(StopSignal signal) noexcept = 0;
};

class ProcessSpawner {
 public:
  virtual ~ProcessSpawner() = default;
  virtual Result<std::unique_ptr<ChildProcess>> spawn(const SpawnRequest& request) = 0;
};

}  // namespace mcpwire
