// SPDX-License-Identifier: MIT
#include "tests/io/scripted_backend.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mcpwire::io::test_support {

using detail::Op;
using detail::ReadBuffers;

ScriptedBackend::ScriptedBackend(BufferGroupOptions buffers) {
  for (const ReadBuffers which : {ReadBuffers::kBulk, ReadBuffers::kSmall}) {
    std::unique_ptr<detail::FreeBufferGroup> group =
        detail::FreeBufferGroup::create(buffers).value();
    if (which == ReadBuffers::kBulk) bulk_ = group.get();
    set_buffers(which, std::move(group));
  }
}

ScriptedBackend::~ScriptedBackend() {
  is_ending_ = true;
  drain_graveyard();
}

std::size_t ScriptedBackend::running() const {
  return static_cast<std::size_t>(std::ranges::count(started_, false, &Started::is_over));
}

void ScriptedBackend::complete_later(Started& operation, int result, unsigned flags) {
  ASSERT_FALSE(operation.is_over);
  operation.is_over = (flags & detail::kCompletionMore) == 0;
  completions_.push_back({operation.op, result, flags});
}

void ScriptedBackend::bring(Started& operation, std::string_view text, unsigned flags) {
  const std::optional<std::uint16_t> buffer = bulk_->try_take();
  ASSERT_TRUE(buffer.has_value()) << "no buffer is free";
  std::memcpy(bulk_->room(*buffer).data(), text.data(), text.size());
  bulk_->close_room(*buffer);
  const unsigned number = unsigned{*buffer} << detail::kCompletionBufferShift;
  complete_later(operation, static_cast<int>(text.size()),
                 flags | detail::kCompletionHasBuffer | number);
}

bool ScriptedBackend::has_free_buffer() {
  const std::optional<std::uint16_t> buffer = bulk_->try_take();
  if (buffer.has_value()) bulk_->give_back(*buffer);
  return buffer.has_value();
}

void ScriptedBackend::start(Started operation) {
  begin(*operation.op);
  started_.push_back(operation);
}

void ScriptedBackend::read(Op& op, int fd, ReadBuffers) {
  start({.kind = Kind::kRead, .op = &op, .fd = fd});
}

void ScriptedBackend::read_once(Op& op, int fd, ReadBuffers) {
  start({.kind = Kind::kReadOnce, .op = &op, .fd = fd});
}

void ScriptedBackend::read_into(Op& op, int fd, MutableByteSpan memory) {
  start({.kind = Kind::kReadInto, .op = &op, .fd = fd, .memory = memory});
}

void ScriptedBackend::write(Op& op, int fd, ByteSpan bytes) {
  start({.kind = Kind::kWrite, .op = &op, .fd = fd, .bytes = bytes});
}

void ScriptedBackend::poll(Op& op, int fd, unsigned, detail::PollMode mode) {
  start({.kind = Kind::kPoll, .op = &op, .fd = fd, .mode = mode});
}

void ScriptedBackend::accept(Op& op, int fd) {
  start({.kind = Kind::kAccept, .op = &op, .fd = fd});
}

ScriptedBackend::Started* ScriptedBackend::find_running(Op& op) {
  for (Started& operation : started_) {
    if (operation.op == &op && !operation.is_over) return &operation;
  }
  return nullptr;
}

void ScriptedBackend::cancel(Op& op) {
  if (Started* found = find_running(op)) ++found->cancellations;
}

void ScriptedBackend::cancel_now(Op& op) {
  Started* found = find_running(op);
  if (found == nullptr) return;
  ++found->cancellations;
  complete_later(*found, cancel_now_result);
}

void ScriptedBackend::submit_and_wait(std::uint64_t) {
  ++waits;
  if (on_wait) on_wait();
  if (!is_ending_) return;
  // What the test left running ends as a kernel would end it.
  for (Started& operation : started_) {
    if (!operation.is_over) complete_later(operation, -ECANCELED);
  }
}

std::size_t ScriptedBackend::dispatch() {
  const std::size_t count = completions_.size();
  for (std::size_t index = 0; index < count; ++index) {
    const Completion next = completions_.front();
    completions_.pop_front();
    complete(next);
  }
  return count;
}

}  // namespace mcpwire::io::test_support
