// SPDX-License-Identifier: MIT
#include "io/detail/rpc_line_queue.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/text_pool.hpp"

#include <string_view>
#include <utility>

namespace mcpwire::io::detail {

std::string_view RpcLineQueue::Line::part(int number) const noexcept {
  return number == 0 ? std::string_view(text.head) : number == 1 ? text.body : text.tail;
}

Result<void> RpcLineQueue::push(RpcLine line, RpcLineOwner* owner) {
  MCPWIRE_CHECK(line.last_part().ends_with('\n'));
  if (is_stopped_) return fail(ErrorKind::kDisconnected, ErrorCode::kClosed);
  // A request of any size is let in while there is room; nobody waits for what we say unasked.
  const std::size_t added = owner == nullptr ? line.size() : 0;
  if (queued_bytes_ > bytes_max_ || added > bytes_max_ - queued_bytes_) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                "the server does not read fast enough: " + std::to_string(queued_bytes_) +
                    " bytes wait for it already (limits.queueBytes: " + std::to_string(bytes_max_) +
                    ")");
  }
  queued_bytes_ += line.size();
  if (spare_.empty()) spare_.emplace_back();
  spare_.front() = {std::move(line), owner, 0, 0};
  waiting_.splice(waiting_.end(), spare_, spare_.begin());
  if (in_flight_.empty()) start_next();
  return {};
}

void RpcLineQueue::forget(const RpcLineOwner& owner) noexcept {
  for (Line& line : in_flight_) {
    if (line.owner == &owner) line.owner = nullptr;
  }
  for (auto line = waiting_.begin(); line != waiting_.end(); ++line) {
    if (line->owner != &owner) continue;
    queued_bytes_ -= line->text.size();
    waiting_.erase(line);
    return;
  }
}

void RpcLineQueue::stop() noexcept {
  is_stopped_ = true;
  for (const Line& line : waiting_) queued_bytes_ -= line.text.size();
  waiting_.clear();
}

void RpcLineQueue::start_next() {
  MCPWIRE_CHECK(in_flight_.empty());
  while (!waiting_.empty()) {
    const Line& line = waiting_.front();
    if (line.owner == nullptr || line.owner->may_start()) {
      in_flight_.splice(in_flight_.end(), waiting_, waiting_.begin());
      if (outgoing_ != nullptr) tell_outgoing(in_flight_.front().text);
      write_next_part(in_flight_.front());
      return;
    }
    queued_bytes_ -= line.text.size();
    waiting_.pop_front();
  }
}

/// False where all of them were begun.
bool RpcLineQueue::write_next_part(Line& line) {
  while (line.parts_begun < kParts) {
    const std::string_view bytes = line.part(line.parts_begun++);
    if (bytes.empty()) continue;
    writer_.write(as_bytes(bytes), *this);
    return true;
  }
  return false;
}

/// Observers are for tests and recordings: nothing is spared for them.
void RpcLineQueue::tell_outgoing(const RpcLine& line) {
  if (line.tail.empty()) {
    outgoing_->on_outgoing(std::string_view(line.head).substr(0, line.head.size() - 1));
    return;
  }
  std::string whole = line.head;
  whole.append(line.body).append(line.tail);
  whole.pop_back();
  outgoing_->on_outgoing(whole);
}

void RpcLineQueue::on_written(std::size_t written, const Error* error) {
  MCPWIRE_CHECK(in_flight_.size() == 1);
  in_flight_.front().written += written;
  if (error == nullptr && write_next_part(in_flight_.front())) return;
  Line line = std::move(in_flight_.front());
  if (spare_.size() < kSpareLinesMax) {
    spare_.splice(spare_.end(), in_flight_);
  } else {
    in_flight_.clear();
  }
  const std::size_t bytes = line.text.size();
  MCPWIRE_CHECK(line.written <= bytes);
  queued_bytes_ -= bytes;
  if (error != nullptr) {
    stop();
    if (line.owner != nullptr) line.owner->on_line_failed(line.written + 1 >= bytes);
    observer_.on_write_failed(*error);
    return;
  }
  MCPWIRE_CHECK(line.written == bytes);
  recycle_text(std::move(line.text.head));
  if (line.owner != nullptr) line.owner->on_line_sent();
  start_next();
  if (in_flight_.empty()) observer_.on_writer_idle();
}

}  // namespace mcpwire::io::detail
