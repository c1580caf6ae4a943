// SPDX-License-Identifier: MIT
#include "tests/support/fake_byte_stream.hpp"

#include "protocol/base/check.hpp"

#include <algorithm>
#include <utility>

namespace mcpwire::test_support {

void FakeByteReader::start(Sink& sink) {
  MCPWIRE_CHECK(sink_ == nullptr && !closed_);
  sink_ = &sink;
  schedule();
}

void FakeByteReader::pause() { paused_ = true; }

void FakeByteReader::resume() {
  paused_ = false;
  schedule();
}

void FakeByteReader::close() noexcept {
  closed_ = true;
  sink_ = nullptr;
  unlink();
}

void FakeByteReader::feed(std::string_view text) {
  MCPWIRE_CHECK(!end_.has_value());
  chunks_.emplace_back(text);
  schedule();
}

void FakeByteReader::feed_end() {
  feed_error(Error::of(ErrorKind::kDisconnected, ErrorCode::kClosed));
}

void FakeByteReader::feed_error(Error error) {
  MCPWIRE_CHECK(!end_.has_value());
  end_ = std::move(error);
  schedule();
}

bool FakeByteReader::can_deliver() const noexcept {
  return sink_ != nullptr && !paused_ && (!chunks_.empty() || end_.has_value());
}

void FakeByteReader::schedule() {
  if (can_deliver()) loop_.post(*this);
}

void FakeByteReader::run() {
  if (!can_deliver()) return;
  if (!chunks_.empty()) {
    const std::string chunk = std::move(chunks_.front());
    chunks_.pop_front();
    // Before the callback, which may destroy this reader.
    schedule();
    sink_->on_bytes(as_bytes(chunk));
    return;
  }
  Sink& sink = *std::exchange(sink_, nullptr);
  const Error why = *end_;
  sink.on_read_end(why);
}

void FakeByteWriter::write(ByteSpan bytes, Completion& completion) {
  MCPWIRE_CHECK(completion_ == nullptr && !closed_);
  ++write_calls_;
  pending_ = bytes;
  accepted_ = 0;
  completion_ = &completion;
  if (!blocked_) loop_.post(*this);
}

void FakeByteWriter::close() noexcept {
  closed_ = true;
  completion_ = nullptr;
  unlink();
}

std::string FakeByteWriter::take_written() { return std::exchange(written_, {}); }

void FakeByteWriter::fail_after(std::size_t bytes, Error error) {
  room_ = bytes;
  failure_ = std::move(error);
}

void FakeByteWriter::accept(std::size_t bytes) {
  std::size_t count = std::min(bytes, pending_.size());
  if (failure_.has_value()) {
    count = std::min(count, room_);
    room_ -= count;
  }
  written_.append(as_text(pending_.first(count)));
  pending_ = pending_.subspan(count);
  accepted_ += count;
}

void FakeByteWriter::accept_while_blocked(std::size_t bytes) {
  MCPWIRE_CHECK(blocked_);
  if (completion_ != nullptr) accept(bytes);
}

void FakeByteWriter::unblock() {
  blocked_ = false;
  if (completion_ != nullptr) loop_.post(*this);
}

void FakeByteWriter::run() {
  if (completion_ == nullptr || blocked_) return;
  accept(pending_.size());
  Completion& completion = *std::exchange(completion_, nullptr);
  const std::size_t written = accepted_;
  if (pending_.empty()) {
    completion.on_written(written, nullptr);
    return;
  }
  const Error error = *failure_;
  completion.on_written(written, &error);
}

}  // namespace mcpwire::test_support
