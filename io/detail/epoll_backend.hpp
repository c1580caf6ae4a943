// SPDX-License-Identifier: MIT
//
// EpollBackend: the operations of IoBackend where io_uring is refused: each is tried when it is
// submitted, and again whenever epoll says that its descriptor has changed. What that brings is
// kept and dispatched like completions of the kernel.
//
// Threading: the loop's thread.
// Invariants: an operation waits for an edge only after it has seen EAGAIN; one that stopped at its
// share of a turn does not wait, it is tried again.
#pragma once

#include "io/detail/epoll_interest.hpp"
#include "io/detail/io_backend.hpp"
#include "io/loop.hpp"
#include "protocol/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>

namespace mcpwire::io::detail {

class EpollBackend final : public IoBackend {
 public:
  static Result<std::unique_ptr<EpollBackend>> create(const LoopOptions& options);
  ~EpollBackend() override;

  std::string_view name() const noexcept override { return "epoll"; }
  /// Makes it non-blocking: the end that others hold of a pipe or socket stays as it is.
  void adopt(int fd) noexcept override;

  void read(Op& op, int fd, ReadBuffers group) override;
  void read_once(Op& op, int fd, ReadBuffers group) override;
  void read_into(Op& op, int fd, MutableByteSpan memory) override;
  void write(Op& op, int fd, ByteSpan bytes) override;
  void poll(Op& op, int fd, unsigned events, PollMode mode) override;
  void accept(Op& op, int fd) override;
  void cancel(Op& op) override;
  void cancel_now(Op& op) override;

  bool has_completions() const noexcept override { return !completions_.empty(); }
  void submit() override;
  void submit_and_wait(std::uint64_t timeout_ns) override;
  std::size_t dispatch() override;
  std::uint64_t kernel_enters() const noexcept override {
    return system_calls_ + interest_.system_calls();
  }

 private:
  enum class Kind : std::uint8_t {
    kReadMany,
    kReadOnce,
    kReadInto,
    kWrite,
    kPollOnce,
    kPollMany,
    kAccept,
  };
  struct Request {
    Kind kind;
    int fd;
    unsigned events;  ///< What it waits for.
    ReadBuffers group = ReadBuffers::kBulk;
    MutableByteSpan memory{};
    ByteSpan bytes{};
  };
  enum class Attempt : std::uint8_t { kEnded, kMustWait, kHasMore };

  explicit EpollBackend(EpollInterest interest) noexcept : interest_(std::move(interest)) {}
  void start(Op& op, const Request& request);
  void attempt_fresh();
  void attempt(Op& op, const Request& request);
  Attempt read_some(Op& op, const Request& request);
  Attempt fill_one(Op& op, const Request& request, unsigned flags);
  Attempt accept_some(Op& op, const Request& request);
  /// Of a call that ended with `result` or errno.
  Attempt finish_call(Op& op, long result, unsigned flags);
  void finish(Op& op, int result, unsigned flags);

  void collect(std::uint64_t timeout_ns);
  void on_event(int fd, unsigned events);
  void wait_for(Op& op, const Request& request);

  EpollInterest interest_;
  std::array<FreeBufferGroup*, 2> free_buffers_{};
  std::unordered_map<Op*, Request> requests_;
  std::deque<Op*> fresh_;  ///< To be tried; some may have been cancelled meanwhile.
  std::deque<Completion> completions_;
  std::uint64_t system_calls_ = 0;  ///< Beside those of interest_.
};

}  // namespace mcpwire::io::detail
