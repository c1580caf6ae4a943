// SPDX-License-Identifier: MIT
#include "ring/received_memory.hpp"

#include "protocol/base/check.hpp"
#include "protocol/payload_codec.hpp"
#include "protocol/request_header.hpp"
#include "ring/detail/mapping.hpp"
#include "ring/detail/memory_file.hpp"
#include "ring/slab.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace mcpwire::ring {

using protocol::MappedDescriptor;
using protocol::MemoryLife;
using protocol::SlabEvent;

namespace detail {

/// How many uses wait to be given back. Outlives the connection with those that are still read.
struct PendingCredits {
  std::atomic<std::uint32_t> count{0};
};

struct ReceivedSlab {
  explicit ReceivedSlab(Mapping memory) noexcept : mapping(std::move(memory)) {}

  Mapping mapping;
  std::uint32_t number = 0;
  std::uint32_t generation = 0;  ///< Of the last use.
  bool is_out = false;           ///< Between open() and take_credit().
  std::size_t populated_bytes = 0;
  std::atomic<std::uint32_t> done{0};       ///< Generation of a use whose reader is done; 0: none.
  std::shared_ptr<PendingCredits> credits;  ///< Null: good for one payload, nothing to give back.
};

}  // namespace detail

using detail::ReceivedSlab;

namespace {

Failure violation(const char* what) {
  return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation, std::string(what));
}

}  // namespace

MappedPayload::MappedPayload() noexcept = default;

MappedPayload::MappedPayload(std::shared_ptr<ReceivedSlab> slab, ByteSpan bytes,
                             std::uint32_t generation) noexcept
    : slab_(std::move(slab)), bytes_(bytes), generation_(generation) {}

MappedPayload::MappedPayload(MappedPayload&& other) noexcept
    : slab_(std::move(other.slab_)),
      bytes_(std::exchange(other.bytes_, {})),
      generation_(other.generation_) {}

MappedPayload& MappedPayload::operator=(MappedPayload&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  slab_ = std::move(other.slab_);
  bytes_ = std::exchange(other.bytes_, {});
  generation_ = other.generation_;
  return *this;
}

MappedPayload::~MappedPayload() { give_back(); }

void MappedPayload::give_back() noexcept {
  if (slab_ != nullptr && slab_->credits != nullptr) {
    slab_->done.store(generation_, std::memory_order_release);  // SYNC [slab.done] release
    slab_->credits->count.fetch_add(1, std::memory_order_relaxed);
  }
  slab_.reset();
  bytes_ = {};
}

ReceivedMemory::ReceivedMemory(Limits limits)
    : limits_(limits),
      credits_(limits.slabs_max == 0 ? nullptr : std::make_shared<detail::PendingCredits>()) {}

ReceivedMemory::~ReceivedMemory() = default;

Result<protocol::MemoryEvent> ReceivedMemory::read_event(ByteSpan memory_event) const {
  const auto event = protocol::PayloadReader(memory_event).fixed<protocol::MemoryEvent>();
  // 0 is the number of no use: it would never be given back.
  const bool is_well_formed = event && event->life <= MemoryLife::kStays && event->generation != 0;
  if (!is_well_formed) return violation("malformed memory event");
  if (event->bytes > protocol::kMessageBytesMax) return violation("memory file over the limit");
  if (has({event->slab, event->generation, 0, 0})) return violation("memory file announced twice");
  const bool is_slab = event->life == MemoryLife::kStays;
  if (is_slab && slabs_.size() >= limits_.slabs_max) return violation("slab that nobody agreed to");
  if (!is_slab && is_full()) return violation("too many memory files");
  return *event;
}

Result<void> ReceivedMemory::keep(ByteSpan memory_event, UniqueFd file) {
  const protocol::MemoryEvent event = TRY(read_event(memory_event));
  if (!file) return violation("memory event without a file");
  if (event.life == MemoryLife::kOnce) {
    const bool is_fit = event.bytes != 0 && detail::check_memory_file(
                                                file.get(), detail::immutable_seals(), event.bytes);
    if (!is_fit) return violation("memory file that is not sealed, or of another size");
    files_.push_back({event.slab, event.generation, event.bytes, std::move(file), {}});
    return {};
  }
  if (!detail::check_memory_file(file.get(), detail::one_writer_seals(), event.bytes)) {
    return violation("slab without its seals, or of another size");
  }
  auto slab = std::make_shared<ReceivedSlab>(TRY(detail::Mapping::create(
      file.get(), static_cast<std::size_t>(event.bytes), detail::MapMode::kSharedReadOnly)));
  slab->number = event.slab;
  slab->generation = event.generation - 1;  // The first use is the one it was announced for.
  slab->credits = credits_;
  slabs_.push_back(std::move(slab));
  return {};
}

Result<void> ReceivedMemory::note_lost(ByteSpan memory_event) {
  const protocol::MemoryEvent event = TRY(read_event(memory_event));
  if (event.life != MemoryLife::kOnce) {
    return fail(ErrorKind::kOverloaded, ErrorCode::kQueueFull, std::string("lost a slab"));
  }
  files_.push_back({event.slab, event.generation, event.bytes, UniqueFd(),
                    Error::with_detail(ErrorKind::kOverloaded, ErrorCode::kQueueFull,
                                       "its memory file could not be taken")});
  return {};
}

void ReceivedMemory::drop_newest(Error why) {
  MCPWIRE_CHECK(!files_.empty() && files_.back().fd);
  files_.back().fd.reset();
  files_.back().lost_because = std::move(why);
}

std::size_t ReceivedMemory::file_count() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(files_, [](const File& file) { return bool(file.fd); }));
}

std::uint64_t ReceivedMemory::file_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const File& file : files_) bytes += file.fd ? file.bytes : 0;
  return bytes;
}

bool ReceivedMemory::has(const MappedDescriptor& where) const noexcept {
  const auto is_it = [&](const File& file) {
    return file.slab == where.slab && file.generation == where.generation;
  };
  return std::ranges::any_of(files_, is_it) ||
         std::ranges::any_of(slabs_, [&](const auto& slab) { return slab->number == where.slab; });
}

Result<MappedPayload> ReceivedMemory::open(const MappedDescriptor& where) {
  for (const std::shared_ptr<ReceivedSlab>& slab : slabs_) {
    if (slab->number == where.slab) return open_slab(slab, where);
  }
  const auto found = std::ranges::find_if(files_, [&](const File& file) {
    return file.slab == where.slab && file.generation == where.generation;
  });
  if (found == files_.end()) return violation("payload in an unknown memory file");
  File file = std::move(*found);
  files_.erase(found);
  return open_file(std::move(file), where);
}

Result<MappedPayload> ReceivedMemory::open_slab(const std::shared_ptr<ReceivedSlab>& slab,
                                                const MappedDescriptor& where) {
  if (!protocol::descriptor_fits(where, slab->mapping.size())) {
    return violation("payload outside of its slab");
  }
  const bool is_next = where.generation != 0 && where.generation == slab->generation + 1;
  if (slab->is_out || !is_next) {
    return violation("slab used again before it was given back");
  }
  slab->generation = where.generation;
  slab->is_out = true;
  const auto end = static_cast<std::size_t>(where.offset + where.length);
  if (end > slab->populated_bytes) {
    slab->mapping.populate(slab->populated_bytes, end - slab->populated_bytes,
                           detail::MapMode::kSharedReadOnly);
    slab->populated_bytes = end;
  }
  const ByteSpan all(slab->mapping.data(), slab->mapping.size());
  return MappedPayload(
      slab,
      all.subspan(static_cast<std::size_t>(where.offset), static_cast<std::size_t>(where.length)),
      where.generation);
}

Result<MappedPayload> ReceivedMemory::open_file(File file, const MappedDescriptor& where) {
  if (!protocol::descriptor_fits(where, file.bytes)) {
    return violation("payload outside of its memory file");
  }
  if (!file.fd) return fail(std::move(file.lost_because));
  // Private: kernels before 6.7 refuse a shared mapping of a write-sealed file, even to read. No
  // memory on this side is no fault of the peer's.
  auto slab = std::make_shared<ReceivedSlab>(TRY(detail::Mapping::create(
      file.fd.get(), static_cast<std::size_t>(file.bytes), detail::MapMode::kPrivateReadOnly)));
  const ByteSpan all(slab->mapping.data(), slab->mapping.size());
  return MappedPayload(
      std::move(slab),
      all.subspan(static_cast<std::size_t>(where.offset), static_cast<std::size_t>(where.length)),
      where.generation);
}

Result<void> ReceivedMemory::retire(ByteSpan slab_event) {
  const auto event = protocol::PayloadReader(slab_event).fixed<SlabEvent>();
  if (!event || event->generation == 0) return violation("malformed retire event");
  const auto found =
      std::ranges::find_if(slabs_, [&](const auto& slab) { return slab->number == event->slab; });
  if (found == slabs_.end() || (*found)->is_out || (*found)->generation != event->generation) {
    return violation("retire event for a slab that is not free");
  }
  slabs_.erase(found);
  return {};
}

void ReceivedMemory::forget() {
  files_.clear();
  if (slabs_.empty()) return;
  slabs_.clear();
  credits_ = std::make_shared<detail::PendingCredits>();
}

bool ReceivedMemory::has_credits() const noexcept {
  return credits_ != nullptr && credits_->count.load(std::memory_order_relaxed) != 0;
}

std::optional<SlabEvent> ReceivedMemory::take_credit() noexcept {
  if (!has_credits()) return std::nullopt;
  for (const std::shared_ptr<ReceivedSlab>& slab : slabs_) {
    const std::uint32_t generation =
        slab->done.load(std::memory_order_acquire);  // SYNC [slab.done] acquire
    if (generation == 0) continue;
    slab->done.store(0, std::memory_order_relaxed);
    credits_->count.fetch_sub(1, std::memory_order_relaxed);
    slab->is_out = false;
    return SlabEvent{sizeof(SlabEvent), slab->number, generation, 0};
  }
  return std::nullopt;  // Its reader is between its two stores: the next look finds it.
}

}  // namespace mcpwire::ring
