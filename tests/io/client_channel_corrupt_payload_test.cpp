// SPDX-License-Identifier: MIT
//
// A hostile client's own structs: every field of HELLO, of a memory event and of a mapped
// payload's descriptor, 24 values each. What becomes of each is said here in the words of FRAME.md
// and not by the code under test.
#include "tests/io/client_channel_fixture.hpp"
#include "tests/ring/corrupt_fields.hpp"

#include <bit>
#include <cstdio>
#include <cstring>

namespace mcpwire::io {
namespace {

using ring::Field;
using ring::FieldHome;

constexpr std::uint32_t kRing = RawClient::kRingBytes;
constexpr std::string_view kFile = "a mapped payload";

enum class Fate : std::uint8_t { kAccepted, kRefused, kViolation };

template <std::size_t kCount>
using Fields = std::array<Field, kCount>;

constexpr Fields<21> kHello = {{
    {"struct_bytes", FieldHome::kRecord, 0, 4},
    {"version_min", FieldHome::kRecord, 4, 4},
    {"version_max", FieldHome::kRecord, 8, 4},
    {"ring_bytes", FieldHome::kRecord, 12, 4},
    {"features_required", FieldHome::kRecord, 16, 8},
    {"features_optional", FieldHome::kRecord, 24, 8},
    {"config_device", FieldHome::kRecord, 32, 8},
    {"config_inode", FieldHome::kRecord, 40, 8},
    {"config_bytes", FieldHome::kRecord, 48, 8},
    {"config_modified_ns", FieldHome::kRecord, 56, 8},
    {"config_changed_ns", FieldHome::kRecord, 64, 8},
    {"config_origin", FieldHome::kRecord, 72, 4},
    {"reserved", FieldHome::kRecord, 76, 4},
    {"config_path.offset", FieldHome::kRecord, 80, 4},
    {"config_path.bytes", FieldHome::kRecord, 84, 4},
    {"working_directory.offset", FieldHome::kRecord, 88, 4},
    {"working_directory.bytes", FieldHome::kRecord, 92, 4},
    {"environment.offset", FieldHome::kRecord, 96, 4},
    {"environment.bytes", FieldHome::kRecord, 100, 4},
    {"client_name.offset", FieldHome::kRecord, 104, 4},
    {"client_name.bytes", FieldHome::kRecord, 108, 4},
}};
constexpr Fields<5> kMemory = {{
    {"memory.struct_bytes", FieldHome::kRecord, 0, 4},
    {"memory.slab", FieldHome::kRecord, 4, 4},
    {"memory.generation", FieldHome::kRecord, 8, 4},
    {"memory.life", FieldHome::kRecord, 12, 4},
    {"memory.bytes", FieldHome::kRecord, 16, 8},
}};
constexpr Fields<4> kDescriptor = {{
    {"descriptor.slab", FieldHome::kRecord, 0, 4},
    {"descriptor.generation", FieldHome::kRecord, 4, 4},
    {"descriptor.offset", FieldHome::kRecord, 8, 8},
    {"descriptor.length", FieldHome::kRecord, 16, 8},
}};

class CorruptPayloadTest : public ClientChannelFixture {
 protected:
  void SetUp() override {
    ClientChannelFixture::SetUp();
    make_host({.spin_ns = 0});
  }
  RawClient& client() { return *first_.client; }

  /// Runs `attempt` for every field and value; it stores the value, plays, and says what must be.
  template <std::size_t kCount, class Attempt>
  void run_table(const Fields<kCount>& fields, const std::vector<std::uint64_t>& limits,
                 Attempt attempt) {
    std::size_t count = 0;
    for (const Field& field : fields) {
      for (std::size_t index = 0; index < ring::kValuesPerField; ++index, ++count) {
        reported_.clear();
        const std::uint64_t violations = host_->violations();
        std::uint64_t good = 0;
        std::uint64_t value = 0;
        const auto spoil = [&](std::byte* bytes) {
          good = ring::load_field(field, bytes);
          value = ring::values_with(field, good, limits)[index];
          ring::store_field(field, bytes, value);
        };
        const Fate fate = attempt(spoil);
        EXPECT_EQ(host_->violations(), violations + (fate == Fate::kViolation ? 1 : 0));
        EXPECT_EQ(reported_.size(), fate == Fate::kViolation ? 1U : 0U);
        EXPECT_EQ(first_.receiver->closed.has_value(), fate != Fate::kAccepted);
        ASSERT_FALSE(HasFailure()) << describe(field, index, good, value);
      }
    }
    std::printf("%zu cases\n", count);
    EXPECT_EQ(count, kCount * 24);
    expect_others_are_served();
  }

  static bool lies_inside(protocol::ByteRange range, std::size_t bytes) {
    return std::uint64_t{range.offset} + range.bytes <= bytes;
  }

  static Fate fate_of(const protocol::HelloRequest& hello, std::size_t bytes) {
    if (hello.struct_bytes < 112 || hello.struct_bytes > bytes) return Fate::kViolation;
    if (hello.reserved != 0 || static_cast<std::uint32_t>(hello.config_origin) > 2) {
      return Fate::kViolation;
    }
    for (const protocol::ByteRange range :
         {hello.config_path, hello.working_directory, hello.environment, hello.client_name}) {
      if (!lies_inside(range, bytes)) return Fate::kViolation;
    }
    if (hello.version_min > 1 || hello.version_max < 1) return Fate::kRefused;
    if ((hello.features_required & ~protocol::feature::kSupported) != 0) return Fate::kRefused;
    const bool is_size = std::has_single_bit(hello.ring_bytes) && hello.ring_bytes >= 4096 &&
                         hello.ring_bytes <= 1024 * 1024;
    if (hello.ring_bytes != 0 && !is_size) return Fate::kRefused;
    const bool wants = ((hello.features_required | hello.features_optional) & 1) != 0;
    if (wants && is_size) return hello.ring_bytes == kRing ? Fate::kAccepted : Fate::kViolation;
    return (hello.features_required & 1) != 0 ? Fate::kRefused : Fate::kAccepted;
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, CorruptPayloadTest,
                         ::testing::Values(kLoopVariants[0], kLoopVariants[2]), variant_name);

TEST_P(CorruptPayloadTest, OfHello) {
  const std::string good = RawClient::hello(kRing).take();
  const std::uint64_t bytes = good.size();
  run_table(kHello, {111, 112, 113, bytes - 1, bytes, bytes + 1, 3, 4, 17, 2048, 8192, 2'097'152},
            [&](const auto& spoil) {
              std::string payload = good;
              spoil(reinterpret_cast<std::byte*>(payload.data()));
              first_ = make_connected();
              client().make_segment(kRing);
              client().send(FrameKind::kRequest, Method::kHello, 1, payload, client().own->fd());
              settle();
              const auto hello = load_object<protocol::HelloRequest>(as_bytes(payload));
              const Fate fate = fate_of(hello, payload.size());
              const auto answer = client().receive();
              EXPECT_EQ(answer.has_value(), fate != Fate::kViolation);
              if (answer) {
                EXPECT_EQ(protocol::kind_of(answer->header.request.flags),
                          fate == Fate::kAccepted ? FrameKind::kResponse : FrameKind::kError);
              }
              EXPECT_EQ(first_.receiver->frames.size(), fate == Fate::kAccepted ? 1U : 0U);
              return fate;
            });
}

TEST_P(CorruptPayloadTest, OfAMemoryEvent) {
  const UniqueFd file = std::move(ring::create_sealed(as_bytes(kFile), {})).value();
  const protocol::MemoryEvent good{sizeof good, 1, 1, protocol::MemoryLife::kOnce, kFile.size()};
  run_table(
      kMemory,
      {15, 16, 17, 23, 24, 25, 4096, protocol::kMessageBytesMax, protocol::kMessageBytesMax + 1},
      [&](const auto& spoil) {
        protocol::MemoryEvent event = good;
        spoil(reinterpret_cast<std::byte*>(&event));
        first_ = make_open(kRing);
        client().send(FrameKind::kEvent, Method::kMemory, 0, as_text(object_bytes(event)),
                      file.get());
        client().push_mapped(1, 0, kFile.size());
        settle();
        const bool is_right = event.struct_bytes == 24 && event.slab == 1 &&
                              event.generation == 1 && event.life == protocol::MemoryLife::kOnce &&
                              event.bytes == kFile.size();
        EXPECT_EQ(first_.receiver->frames.size(), is_right ? 1U : 0U);
        return is_right ? Fate::kAccepted : Fate::kViolation;
      });
}

TEST_P(CorruptPayloadTest, OfAMappedPayloadsDescriptor) {
  const UniqueFd file = std::move(ring::create_sealed(as_bytes(kFile), {})).value();
  const protocol::MappedDescriptor good{1, 1, 0, kFile.size()};
  run_table(kDescriptor, {15, 16, 17, 8, 4096, ~std::uint64_t{15}, ~std::uint64_t{0} - 15},
            [&](const auto& spoil) {
              protocol::MappedDescriptor descriptor = good;
              spoil(reinterpret_cast<std::byte*>(&descriptor));
              first_ = make_open(kRing);
              client().announce(1, kFile.size(), file.get());
              client().push(FrameKind::kRequest, Method::kCallTool, 5,
                            as_text(object_bytes(descriptor)), protocol::flag::kMapped);
              settle();
              const bool is_inside = descriptor.offset <= kFile.size() &&
                                     descriptor.length <= kFile.size() - descriptor.offset;
              const bool is_right = descriptor.slab == 1 && descriptor.generation == 1 && is_inside;
              EXPECT_EQ(first_.receiver->frames.size(), is_right ? 1U : 0U);
              if (!is_right || first_.receiver->frames.empty()) return Fate::kViolation;
              EXPECT_EQ(first_.receiver->frames[0].payload,
                        kFile.substr(descriptor.offset, descriptor.length));
              return Fate::kAccepted;
            });
}

}  // namespace
}  // namespace mcpwire::io
