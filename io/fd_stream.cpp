// SPDX-License-Identifier: MIT
#include "io/fd_stream.hpp"

#include "io/detail/io_backend.hpp"
#include "protocol/base/check.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <cerrno>
#include <utility>

namespace mcpwire::io {
namespace {

Error stream_error(int error) {
  const bool gone = error == EPIPE || error == ECONNRESET;
  Error result = Error::of(gone ? ErrorKind::kDisconnected : ErrorKind::kInternal,
                           gone ? ErrorCode::kClosed : ErrorCode::kSystemCall);
  result.os_errno = error;
  return result;
}

}  // namespace

/// The reader's descriptor and operation; outlives the reader while the kernel reads.
class FdReader::Reading final : public detail::Op, private Runnable {
 public:
  Reading(Loop& loop, UniqueFd fd, TrafficClass traffic)
      : Op(loop.backend()),
        loop_(loop),
        group_(traffic == TrafficClass::kBulk ? detail::ReadBuffers::kBulk
                                              : detail::ReadBuffers::kSmall),
        fd_(std::move(fd)) {
    backend().adopt(fd_.get());
  }

  void start(Sink& sink) {
    MCPWIRE_CHECK(sink_ == nullptr);
    sink_ = &sink;
    arm();
  }
  void pause() {
    paused_ = true;
    if (is_in_flight() && !cancelling_) {
      cancelling_ = true;
      backend().cancel(*this);
    }
  }
  void resume() {
    paused_ = false;
    arm();
  }

 private:
  // Both of them wait here for the last completion of a read that is being cancelled.
  bool may_arm() const noexcept { return sink_ != nullptr && !paused_ && !is_in_flight(); }
  void arm() {
    if (!may_arm()) return;
    room_ = sink_->room();
    if (room_.empty()) return read_buffered();
    ensure_large_pipe();
    backend().read_into(*this, fd_.get(), room_);
  }
  void read_buffered();
  void ensure_large_pipe() noexcept;
  void leave_buffers();
  void take_bytes(int result, unsigned flags);
  void run() override { arm(); }
  void on_complete(int result, unsigned flags) override;
  void on_end_of_read(int result);
  void on_buried() noexcept override {
    sink_ = nullptr;
    Runnable::unlink();
    // The room is the sink's, who may free it as soon as close() returns.
    if (!room_.empty() && is_in_flight()) backend().cancel_now(*this);
  }

  Loop& loop_;
  detail::ReadBuffers group_;
  UniqueFd fd_;
  Sink* sink_ = nullptr;
  MutableByteSpan room_;  ///< What the read in flight goes into; empty: the loop's buffers.
  bool paused_ = false;
  bool cancelling_ = false;
  bool polling_ = false;
  bool has_large_pipe_ = false;
  bool reads_once_ = false;  ///< Into one buffer at a time.
};

/// A multishot read has emptied the pipe into buffers before we see its first completion. Whoever
/// wanted room once had rather be asked again after each buffer.
void FdReader::Reading::read_buffered() {
  if (reads_once_) {
    backend().read_once(*this, fd_.get(), group_);
  } else {
    backend().read(*this, fd_.get(), group_);
  }
}

/// Somebody sends much at a time: fewer and larger reads. Best effort, the kernel bounds them per
/// user; it takes memory only for what is in the pipe.
void FdReader::Reading::ensure_large_pipe() noexcept {
  if (std::exchange(has_large_pipe_, true)) return;
  constexpr int kPipeBytes = 1 << 20;
  static_cast<void>(::fcntl(fd_.get(), F_SETPIPE_SZ, kPipeBytes));
}

/// The sink has room of its own now: the read that is under way into buffers ends.
void FdReader::Reading::leave_buffers() {
  if (sink_ == nullptr || sink_->room().empty()) return;
  reads_once_ = true;
  if (!is_in_flight() || cancelling_) return;
  cancelling_ = true;
  backend().cancel(*this);
}

void FdReader::Reading::take_bytes(int result, unsigned flags) {
  if ((flags & detail::kCompletionHasBuffer) != 0) {
    detail::BufferGroup& buffers = backend().buffers(group_);
    const std::uint16_t buffer = detail::completion_buffer(flags);
    if (result > 0 && sink_ != nullptr) {
      sink_->on_bytes(buffers.open(buffer, static_cast<std::size_t>(result)));
    }
    buffers.give_back(buffer);
    leave_buffers();
  } else if (result > 0 && sink_ != nullptr && !room_.empty()) {
    room_ = {};
    sink_->on_filled(static_cast<std::size_t>(result));
  }
}

void FdReader::Reading::on_complete(int result, unsigned flags) {
  if (!is_in_flight()) cancelling_ = false;
  if (std::exchange(polling_, false)) {
    arm();
    return;
  }
  take_bytes(result, flags);
  if (is_in_flight()) return;
  if (result > 0) {
    arm();
  } else {
    on_end_of_read(result);
  }
}

void FdReader::Reading::on_end_of_read(int result) {
  switch (result) {
    case -ECANCELED:
      arm();
      return;
    case -ENOBUFS:
      // Buffers that other readers hold are back when this turn's completions are through.
      if (sink_ != nullptr) loop_.post(*this);
      return;
    case -EAGAIN:
      // A descriptor in non-blocking mode on a kernel that does not wait for those by itself.
      if (may_arm()) {
        polling_ = true;
        backend().poll(*this, fd_.get(), POLLIN, detail::PollMode::kOnce);
      }
      return;
    case -EINTR:
      arm();
      return;
    default:
      break;
  }
  if (sink_ == nullptr) return;
  const Error why =
      result == 0 ? Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed) : stream_error(-result);
  std::exchange(sink_, nullptr)->on_read_end(why);
}

FdReader::FdReader(Loop& loop, UniqueFd fd, TrafficClass traffic)
    : reading_(new Reading(loop, std::move(fd), traffic)) {}

FdReader::~FdReader() = default;

void FdReader::start(Sink& sink) {
  MCPWIRE_CHECK(reading_ != nullptr);
  reading_->start(sink);
}

void FdReader::pause() {
  if (reading_ != nullptr) reading_->pause();
}

void FdReader::resume() {
  if (reading_ != nullptr) reading_->resume();
}

void FdReader::close() noexcept { reading_.reset(); }

/// The writer's descriptor and operation; outlives the writer while the kernel writes.
class FdWriter::Writing final : public detail::Op, private Runnable {
 public:
  Writing(Loop& loop, UniqueFd fd) : Op(loop.backend()), loop_(loop), fd_(std::move(fd)) {
    backend().adopt(fd_.get());
  }

  bool is_busy() const noexcept { return completion_ != nullptr; }
  std::size_t unread_bytes() const noexcept {
    // Either end of a pipe tells; a socket would tell of the other direction.
    struct stat status{};
    int bytes = 0;
    const bool is_told = ::fstat(fd_.get(), &status) == 0 && S_ISFIFO(status.st_mode) &&
                         ::ioctl(fd_.get(), FIONREAD, &bytes) == 0;
    return is_told ? static_cast<std::size_t>(bytes) : 0;
  }

  void write(ByteSpan bytes, Completion& completion) {
    MCPWIRE_CHECK(!is_busy());
    bytes_ = bytes;
    written_ = 0;
    completion_ = &completion;
    if (bytes.empty()) {
      loop_.post(*this);
    } else {
      write_rest();
    }
  }

 private:
  void write_rest() { backend().write(*this, fd_.get(), bytes_.subspan(written_)); }
  void run() override { finish(nullptr); }
  void finish(const Error* error) {
    // Everything to locals first: the completion may start the next write or destroy the writer.
    Completion& completion = *std::exchange(completion_, nullptr);
    const std::size_t written = written_;
    bytes_ = {};
    completion.on_written(written, error);
  }
  void on_complete(int result, unsigned flags) override;
  void on_buried() noexcept override {
    completion_ = nullptr;
    Runnable::unlink();
    // The bytes are the caller's, who may free them as soon as close() returns.
    if (is_in_flight()) backend().cancel_now(*this);
  }

  Loop& loop_;
  UniqueFd fd_;
  ByteSpan bytes_;
  std::size_t written_ = 0;
  Completion* completion_ = nullptr;
  bool polling_ = false;
};

void FdWriter::Writing::on_complete(int result, unsigned /*flags*/) {
  if (completion_ == nullptr) return;
  if (std::exchange(polling_, false)) {
    write_rest();
    return;
  }
  if (result == -EAGAIN) {
    polling_ = true;
    backend().poll(*this, fd_.get(), POLLOUT, detail::PollMode::kOnce);
    return;
  }
  if (result == -EINTR) {
    write_rest();
    return;
  }
  if (result <= 0) {
    const Error error = stream_error(result == 0 ? EIO : -result);
    finish(&error);
    return;
  }
  written_ += static_cast<std::size_t>(result);
  MCPWIRE_CHECK(written_ <= bytes_.size());
  if (written_ < bytes_.size()) {
    write_rest();
  } else {
    finish(nullptr);
  }
}

FdWriter::FdWriter(Loop& loop, UniqueFd fd) : writing_(new Writing(loop, std::move(fd))) {}

FdWriter::~FdWriter() = default;

void FdWriter::write(ByteSpan bytes, Completion& completion) {
  MCPWIRE_CHECK(writing_ != nullptr);
  writing_->write(bytes, completion);
}

bool FdWriter::is_busy() const noexcept { return writing_ != nullptr && writing_->is_busy(); }

std::size_t FdWriter::unread_bytes() const noexcept {
  return writing_ != nullptr ? writing_->unread_bytes() : 0;
}

void FdWriter::close() noexcept { writing_.reset(); }

}  // namespace mcpwire::io
