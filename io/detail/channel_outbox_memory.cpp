// SPDX-License-Identifier: MIT
//
// The memory that large answers travel in: slabs that stay, and files for one answer each.
#include "io/detail/channel_outbox.hpp"
#include "protocol/payload_codec.hpp"
#include "ring/control_socket.hpp"
#include "ring/sealed_payload.hpp"

#include <string>
#include <utility>

namespace mcpwire::io::detail {

using protocol::FrameKind;
using protocol::Method;
using protocol::RequestHeader;

namespace {

Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

}  // namespace

ChannelOutbox::Message ChannelOutbox::make_mapped(RequestHeader header,
                                                  const protocol::MappedDescriptor& where,
                                                  std::uint64_t correlation) {
  header.flags |= protocol::flag::kMapped;
  Message message;
  message.header = header;
  message.correlation = correlation;
  message.payload = as_text(object_bytes(where));
  message.slab = where.slab;
  message.generation = where.generation;
  return message;
}

/// The one copy that a large payload costs here: into memory that only this client sees.
std::optional<ChannelOutbox::Message> ChannelOutbox::try_slab(const RequestHeader& header,
                                                              std::uint64_t correlation,
                                                              ByteSpan head, ByteSpan body) {
  if (slab_keeper_ == nullptr) return std::nullopt;
  if (slabs_ == nullptr) slabs_ = std::make_unique<ChannelSlabs>(*slab_keeper_, *this, account_);
  auto grant = slabs_->try_grant(head.size() + body.size(), next_slab_);
  if (!grant) return std::nullopt;
  copy_bytes(grant->bytes, head);
  copy_bytes(grant->bytes.subspan(head.size()), body);
  Message message = make_mapped(header, grant->where, correlation);
  if (grant->new_file) {
    message.file = std::move(grant->new_file);
    message.file_bytes = grant->file_bytes;
    message.file_life = protocol::MemoryLife::kStays;
  }
  return message;
}

/// Nothing where the process has no share of descriptors, or the system none.
std::optional<ChannelOutbox::Message> ChannelOutbox::try_file(const RequestHeader& header,
                                                              std::uint64_t correlation,
                                                              ByteSpan head, ByteSpan body) {
  settle_files();
  if (!charges_.try_add_answer_file()) return std::nullopt;
  auto file = ring::create_sealed(head, body);
  if (!file) {
    charges_.remove_answer_files(1);
    return std::nullopt;
  }
  const std::uint64_t bytes = head.size() + body.size();
  Message message = make_mapped(header, {next_slab_++, 1, 0, bytes}, correlation);
  message.file = *std::move(file);
  message.file_bytes = bytes;
  return message;
}

void ChannelOutbox::settle_files() noexcept {
  if (sent_files_ == 0 || ring::has_untaken_frames(socket_fd_)) return;
  charges_.remove_answer_files(sent_files_);
  sent_files_ = 0;
  sent_file_bytes_ = 0;
  note_kept();
}

Result<void> ChannelOutbox::take_credit(ByteSpan slab_event) {
  const auto event = protocol::PayloadReader(slab_event).fixed<protocol::SlabEvent>();
  if (slab_keeper_ == nullptr || !event) {
    return violation("malformed credit, or nobody agreed to slabs");
  }
  if (slabs_ == nullptr) return violation("credit for a slab that is not out");
  return slabs_->take_back(event->slab, event->generation);
}

void ChannelOutbox::retire_slabs(std::uint64_t before_ns) noexcept {
  while (!has_pending()) {
    const auto idle = slabs_->pool().idle_since(before_ns);
    if (!idle) return;
    const protocol::SlabEvent event{sizeof(protocol::SlabEvent), idle->slab, idle->generation, 0};
    // Quiet clients are not woken for it: they find it when they have something else to do.
    const bool is_told = rings_->producer.try_push(
        protocol::make_header(FrameKind::kEvent, Method::kSlabRetire), 0, object_bytes(event), {});
    if (!is_told) return;
    slabs_->pool().drop(*idle);
  }
}

}  // namespace mcpwire::io::detail
