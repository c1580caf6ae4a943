// SPDX-License-Identifier: MIT
//
// A hostile daemon's own structs: every field of its answer to HELLO, of an intent, a memory event
// and a mapped payload's descriptor, 24 values each. What becomes of each is said here in the words
// of FRAME.md and not by the code under test.
#include "tests/client/raw_daemon.hpp"
#include "tests/ring/corrupt_fields.hpp"

#include <cstdio>
#include <cstring>

namespace mcpwire::client::detail {
namespace {

using protocol::CallState;
using protocol::FrameKind;
using protocol::Method;
using protocol::Outcome;
using ring::Field;
using ring::FieldHome;

constexpr std::uint32_t kRing = 4096;
constexpr std::string_view kFile = "a mapped payload";

constexpr std::array<Field, 8> kReply = {{
    {"struct_bytes", FieldHome::kRecord, 0, 4},
    {"version", FieldHome::kRecord, 4, 4},
    {"features", FieldHome::kRecord, 8, 8},
    {"daemon_instance", FieldHome::kRecord, 16, 8},
    {"daemon_pid", FieldHome::kRecord, 24, 4},
    {"ring_bytes", FieldHome::kRecord, 28, 4},
    {"daemon_version.offset", FieldHome::kRecord, 32, 4},
    {"daemon_version.bytes", FieldHome::kRecord, 36, 4},
}};
constexpr std::array<Field, 3> kIntent = {{
    {"intent.struct_bytes", FieldHome::kRecord, 0, 4},
    {"intent.call_state", FieldHome::kRecord, 4, 4},
    {"intent.correlation", FieldHome::kRecord, 8, 8},
}};
constexpr std::array<Field, 4> kMemory = {{
    {"memory.struct_bytes", FieldHome::kRecord, 0, 4},
    {"memory.slab", FieldHome::kRecord, 4, 4},
    {"memory.generation", FieldHome::kRecord, 8, 4},
    {"memory.bytes", FieldHome::kRecord, 16, 8},
}};
constexpr std::array<Field, 4> kDescriptor = {{
    {"descriptor.slab", FieldHome::kRecord, 0, 4},
    {"descriptor.generation", FieldHome::kRecord, 4, 4},
    {"descriptor.offset", FieldHome::kRecord, 8, 8},
    {"descriptor.length", FieldHome::kRecord, 16, 8},
}};

class LinkCorruptPayloadTest : public ::testing::Test {
 protected:
  template <std::size_t kCount, class Attempt>
  void run_table(const std::array<Field, kCount>& fields, const std::vector<std::uint64_t>& limits,
                 Attempt attempt) {
    std::size_t count = 0;
    for (const Field& field : fields) {
      for (std::size_t index = 0; index < ring::kValuesPerField; ++index, ++count) {
        std::uint64_t good = 0;
        std::uint64_t value = 0;
        attempt([&](std::byte* bytes) {
          good = ring::load_field(field, bytes);
          value = ring::values_with(field, good, limits)[index];
          ring::store_field(field, bytes, value);
        });
        ASSERT_FALSE(HasFailure()) << describe(field, index, good, value);
      }
    }
    std::printf("%zu cases\n", count);
    EXPECT_EQ(count, kCount * 24);
  }

  void open(std::uint32_t ring_bytes) {
    link_.reset();
    sink_.messages.clear();
    daemon_ = std::make_unique<RawDaemon>(ring_bytes);
    daemon_->say_reply();
    auto link = daemon_->open_link();
    ASSERT_TRUE(link.has_value());
    link_ = std::move(*link);
    daemon_->attach();
  }

  void push_mapped(const protocol::MappedDescriptor& descriptor) {
    protocol::RequestHeader header =
        protocol::make_header(FrameKind::kResponse, Method::kCallTool, Outcome::kOk);
    header.flags |= protocol::flag::kMapped;
    ASSERT_TRUE(daemon_->push(header, 1, as_text(object_bytes(descriptor))));
  }
  void say_event(Method method, ByteSpan payload, const std::vector<int>& fds = {}) const {
    protocol::FrameHeader header{protocol::make_header(FrameKind::kEvent, method), 0, 0};
    header.request.payload_len = static_cast<std::uint32_t>(payload.size());
    ring::send_raw(daemon_->socket.get(),
                   std::string(as_text(object_bytes(header))) + std::string(as_text(payload)), fds);
  }
  void pump_all() {
    for (int i = 0; i < 10 && link_->pump(sink_, 0) == Link::PumpEnd::kProgress; ++i) {
    }
  }
  void expect_only(bool is_right, std::string_view payload) {
    ASSERT_EQ(sink_.messages.size(), is_right ? 1U : 0U);
    EXPECT_EQ(link_->is_lost(), !is_right);
    if (is_right) {
      EXPECT_EQ(sink_.messages[0].payload, payload);
    } else {
      EXPECT_EQ(link_->loss().kind, ErrorKind::kInvalid);
    }
  }

  std::unique_ptr<RawDaemon> daemon_;
  std::unique_ptr<Link> link_;
  RecordingSink sink_;
};

TEST_F(LinkCorruptPayloadTest, OfTheAnswerToHello) {
  run_table(
      kReply, {39, 40, 41, 43, 44, 3, 4, 2048, 8192, 4095, 4097, 65'536}, [&](const auto& spoil) {
        RawDaemon daemon(kRing);
        std::string payload = daemon.reply().take();
        spoil(reinterpret_cast<std::byte*>(payload.data()));
        const auto header = RawDaemon::reply_header(payload.size());
        ring::send_raw(daemon.socket.get(), std::string(as_text(object_bytes(header))) + payload,
                       {daemon.segment_fd()});
        const auto reply = load_object<protocol::HelloReply>(as_bytes(payload));
        const bool is_right =
            reply.struct_bytes >= 40 && reply.struct_bytes <= payload.size() &&
            reply.version == 1 && (reply.features & 1) == (reply.ring_bytes != 0 ? 1 : 0) &&
            (reply.ring_bytes == 0 || reply.ring_bytes == kRing) &&
            std::uint64_t{reply.daemon_version.offset} + reply.daemon_version.bytes <=
                payload.size();
        const auto link = daemon.open_link();
        EXPECT_EQ(link.has_value(), is_right);
        if (link) return;
        EXPECT_TRUE(link.error().kind == ErrorKind::kInvalid ||
                    link.error().kind == ErrorKind::kUnsupported);
      });
}

TEST_F(LinkCorruptPayloadTest, OfAnIntent) {
  run_table(kIntent, {15, 16, 17, 3, 4, 5, 6, 8}, [&](const auto& spoil) {
    open(0);
    protocol::IntentEvent intent{sizeof intent, static_cast<std::uint32_t>(CallState::kSending), 7};
    spoil(reinterpret_cast<std::byte*>(&intent));
    say_event(Method::kIntent, object_bytes(intent));
    const bool is_readable = intent.struct_bytes == 16 && intent.call_state <= 4;
    // What cannot be read may have been the intent of this very call.
    const CallState expected = !is_readable              ? CallState::kSending
                               : intent.correlation == 7 ? static_cast<CallState>(intent.call_state)
                                                         : CallState::kNone;
    EXPECT_EQ(link_->revoke(sink_, 7), expected);
  });
}

TEST_F(LinkCorruptPayloadTest, OfAMemoryEvent) {
  const UniqueFd file = std::move(ring::create_sealed(as_bytes(kFile), {})).value();
  run_table(
      kMemory, {15, 16, 17, 23, 24, 25, 4096, protocol::kMessageBytesMax + 1},
      [&](const auto& spoil) {
        open(kRing);
        protocol::MemoryEvent event{sizeof event, 1, 1, protocol::MemoryLife::kOnce, kFile.size()};
        spoil(reinterpret_cast<std::byte*>(&event));
        say_event(Method::kMemory, object_bytes(event), {file.get()});
        push_mapped({1, 1, 0, kFile.size()});
        pump_all();
        const bool is_right = event.struct_bytes == 24 && event.slab == 1 &&
                              event.generation == 1 && event.life == protocol::MemoryLife::kOnce &&
                              event.bytes == kFile.size();
        expect_only(is_right, kFile);
      });
}

TEST_F(LinkCorruptPayloadTest, OfAMappedPayloadsDescriptor) {
  const UniqueFd file = std::move(ring::create_sealed(as_bytes(kFile), {})).value();
  run_table(kDescriptor, {15, 16, 17, 8, 4096, ~std::uint64_t{15}, ~std::uint64_t{0} - 15},
            [&](const auto& spoil) {
              open(kRing);
              daemon_->announce(1, kFile.size(), {file.get()});
              protocol::MappedDescriptor descriptor{1, 1, 0, kFile.size()};
              spoil(reinterpret_cast<std::byte*>(&descriptor));
              push_mapped(descriptor);
              pump_all();
              const bool is_inside = descriptor.offset <= kFile.size() &&
                                     descriptor.length <= kFile.size() - descriptor.offset;
              const bool is_right = descriptor.slab == 1 && descriptor.generation == 1 && is_inside;
              expect_only(is_right,
                          is_inside ? kFile.substr(descriptor.offset, descriptor.length) : kFile);
            });
}

}  // namespace
}  // namespace mcpwire::client::detail
