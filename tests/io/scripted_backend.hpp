// SPDX-License-Identifier: MIT
//
// ScriptedBackend: an IoBackend whose kernel is the test. It keeps what was started and cancelled;
// the test says which completion comes when.
//
// Threading: one thread.
#pragma once

#include "io/detail/io_backend.hpp"
#include "io/loop.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io::test_support {

class ScriptedBackend final : public detail::IoBackend {
 public:
  enum class Kind : std::uint8_t { kRead, kReadOnce, kReadInto, kWrite, kPoll, kAccept };
  /// One operation that was started, in the order of starting. It stays after its end.
  struct Started {
    Kind kind;
    detail::Op* op;
    int fd;
    detail::PollMode mode = detail::PollMode::kOnce;
    MutableByteSpan memory{};
    ByteSpan bytes{};
    bool is_over = false;  ///< Its last completion was queued.
    int cancellations = 0;
  };

  /// One bulk buffer of 64 bytes unless told otherwise.
  explicit ScriptedBackend(BufferGroupOptions buffers = {.count = 1, .bytes_each = 64});
  ~ScriptedBackend() override;

  // The test's side.

  std::size_t count() const noexcept { return started_.size(); }
  Started& operation(std::size_t index) { return started_.at(index); }
  Started& last() { return started_.back(); }
  std::size_t running() const;
  /// Queues a completion for the operation; without kCompletionMore it is the last one.
  void complete_later(Started& operation, int result, unsigned flags = 0);
  /// As a read into the group's next free buffer that brought `text`.
  void bring(Started& operation, std::string_view text, unsigned flags = 0);
  std::size_t queued() const noexcept { return completions_.size(); }
  bool has_free_buffer();
  /// What cancel_now() does to an operation beside ending it; the default is -ECANCELED.
  int cancel_now_result = -ECANCELED;
  /// Called inside of each submit_and_wait().
  std::function<void()> on_wait;
  int waits = 0;

  // The loop's side.
  std::string_view name() const noexcept override { return "scripted"; }
  void adopt(int) noexcept override {}
  void read(detail::Op& op, int fd, detail::ReadBuffers group) override;
  void read_once(detail::Op& op, int fd, detail::ReadBuffers group) override;
  void read_into(detail::Op& op, int fd, MutableByteSpan memory) override;
  void write(detail::Op& op, int fd, ByteSpan bytes) override;
  void poll(detail::Op& op, int fd, unsigned events, detail::PollMode mode) override;
  void accept(detail::Op& op, int fd) override;
  void cancel(detail::Op& op) override;
  void cancel_now(detail::Op& op) override;
  bool has_completions() const noexcept override { return !completions_.empty(); }
  void submit() override {}
  void submit_and_wait(std::uint64_t timeout_ns) override;
  std::size_t dispatch() override;
  std::uint64_t kernel_enters() const noexcept override { return 0; }

 private:
  void start(Started operation);
  Started* find_running(detail::Op& op);

  detail::FreeBufferGroup* bulk_ = nullptr;
  std::deque<Started> started_;  ///< References stay valid.
  std::deque<Completion> completions_;
  bool is_ending_ = false;
};

}  // namespace mcpwire::io::test_support
