// SPDX-License-Identifier: MIT
//
// Any bytes in the peer's segment, between any steps of our two ring ends. Input: steps of one
// byte each, with their operands behind them. Whatever the peer writes, what is shown lies inside
// its ring and obeys the header's rules, what we write lies inside ours, and a violation is final.
#include "protocol/base/check.hpp"
#include "ring/segment.hpp"
#include "ring/spsc_ring.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace {

using namespace mcpwire;
using namespace mcpwire::ring;

constexpr std::uint32_t kRing = kRingBytesMin;
constexpr int kStepsMax = 256;

struct Input {
  const std::uint8_t* data;
  std::size_t size;

  std::uint8_t byte() {
    if (size == 0) return 0;
    --size;
    return *data++;
  }
  std::uint32_t half() { return byte() | static_cast<std::uint32_t>(byte()) << 8; }
};

class Harness {
 public:
  Harness()
      : own_(std::move(OwnedSegment::create({kRing})).value()),
        peer_(std::move(OwnedSegment::create({kRing})).value()) {}

  void run(Input input) {
    clear(own_.memory());
    clear(peer_.memory());
    consumer_.emplace(own_.memory(), peer_.memory());
    producer_.emplace(own_.memory(), peer_.memory());
    position_ = 0;
    violated_ = false;
    corrupt_ = false;
    for (int step = 0; step < kStepsMax && input.size != 0; ++step) take_step(input);
  }

 private:
  static void clear(const SegmentMemory& memory) {
    std::memset(static_cast<void*>(memory.page), 0, kControlBytes);
    std::memset(memory.ring, 0, kRing);
    memory.page->constants = make_constants(kRing);
  }

  void take_step(Input& input) {
    switch (input.byte() % 10) {
      case 0:
        return poke(input);
      case 1:
      case 2:
        return write_record(input);
      case 3:
        return peek(false);
      case 4:
      case 5:
        return peek(true);
      case 6:
        return push(input.half());
      case 7:
        return set_position(input);
      case 8:
        static_cast<void>(consumer_->peer_waits_for_space());
        static_cast<void>(producer_->peer_needs_doorbell());
        return;
      default:
        return park(input.half() % kRing);
    }
  }

  /// Any bytes anywhere in the peer's segment.
  void poke(Input& input) {
    std::byte* base = peer_.memory().ring - kControlBytes;
    const std::size_t at = input.half() % segment_bytes(kRing);
    const std::size_t bytes = std::min<std::size_t>(input.byte(), segment_bytes(kRing) - at);
    for (std::size_t i = 0; i < bytes; ++i) base[at + i] = std::byte{input.byte()};
  }

  /// A record as it should be where the consumer stands, but for some of its bytes.
  void write_record(Input& input) {
    protocol::FrameHeader header{
        protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kPing),
        lap_tag(position_), 1};
    header.request.payload_len = input.half() % 1100;
    std::byte bytes[sizeof header];
    std::memcpy(bytes, &header, sizeof header);
    for (std::uint8_t flips = input.byte() % 3; flips != 0; --flips) {
      const std::size_t at = input.byte() % sizeof header;
      bytes[at] ^= std::byte{input.byte()};
    }
    const std::size_t at = position_ % kRing;
    std::memcpy(peer_.memory().ring + at, bytes, sizeof header);
  }

  void peek(bool release) {
    const auto frame = consumer_->peek();
    MCPWIRE_CHECK(!(violated_ && frame.has_value()));
    if (!frame) {
      violated_ = true;
      MCPWIRE_CHECK(consumer_->has_data());
      MCPWIRE_CHECK(consumer_->prepare_park());
      return;
    }
    if (!*frame) return;
    const protocol::RequestHeader& header = (*frame)->header.request;
    const ByteSpan payload = (*frame)->volatile_payload;
    MCPWIRE_CHECK(protocol::check_header(header, record_payload_bytes_max(kRing)) ==
                  protocol::HeaderFault::kOk);
    MCPWIRE_CHECK(payload.size() == header.payload_len);
    MCPWIRE_CHECK(payload.data() >= peer_.memory().ring + sizeof(protocol::FrameHeader));
    MCPWIRE_CHECK(payload.data() + payload.size() <= peer_.memory().ring + kRing);
    unsigned sum = 0;
    for (const std::byte byte : payload) sum += std::to_integer<unsigned>(byte);
    MCPWIRE_CHECK(sum <= 255 * payload.size());
    if (!release) return;
    const auto start = static_cast<std::uint64_t>(payload.data() - peer_.memory().ring) -
                       sizeof(protocol::FrameHeader);
    if (start < position_ % kRing) position_ += kRing - position_ % kRing;  // Behind a pad.
    position_ += record_bytes(header.payload_len);
    consumer_->release();
  }

  void push(std::uint32_t wish) {
    const std::uint32_t bytes = wish % (producer_->payload_bytes_max() + 1);
    const auto room = producer_->try_reserve(bytes);
    MCPWIRE_CHECK(!(corrupt_ && room));
    corrupt_ = producer_->peer_is_corrupt();
    if (!room) return;
    MCPWIRE_CHECK(room->size() == bytes);
    MCPWIRE_CHECK(room->data() >= own_.memory().ring + sizeof(protocol::FrameHeader));
    MCPWIRE_CHECK(room->data() + bytes <= own_.memory().ring + kRing);
    std::memset(room->data(), 0xff, bytes);
    if (wish % 5 == 0) return producer_->abort();
    producer_->commit(protocol::make_header(protocol::FrameKind::kRequest, protocol::Method::kPing),
                      1, bytes);
  }

  void set_position(Input& input) {
    const std::uint8_t how = input.byte();
    std::uint64_t position = std::uint64_t{input.half()} * (how % 2 == 0 ? kGranuleBytes : 1);
    if (how % 16 == 15) position = ~position;
    peer_.memory().page->consumer_position = position;
  }

  void park(std::uint32_t wish) {
    const std::uint32_t bytes = wish % (producer_->payload_bytes_max() + 1);
    const auto room = producer_->prepare_park(bytes);
    corrupt_ = corrupt_ || producer_->peer_is_corrupt();
    MCPWIRE_CHECK(room.has_value() == !corrupt_);
    producer_->unpark();
    static_cast<void>(consumer_->prepare_park());
    consumer_->unpark();
  }

  OwnedSegment own_;
  OwnedSegment peer_;
  std::optional<Consumer> consumer_;
  std::optional<Producer> producer_;
  std::uint64_t position_ = 0;
  bool violated_ = false;
  bool corrupt_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Harness harness;
  harness.run({data, size});
  return 0;
}
