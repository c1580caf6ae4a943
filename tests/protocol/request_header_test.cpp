// SPDX-License-Identifier: MIT
#include "protocol/request_header.hpp"

#include "protocol/payload.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <set>
#include <string>

namespace mcpwire::protocol {
namespace {

constexpr std::uint32_t kMax = kInlinePayloadBytesMax;

RequestHeader request() { return make_header(FrameKind::kRequest, Method::kCallTool); }

TEST(RequestHeaderTest, MakeHeaderIsAccepted) {
  for (std::uint32_t method = 1; method <= kMethodMax; ++method) {
    for (const FrameKind kind :
         {FrameKind::kRequest, FrameKind::kResponse, FrameKind::kEvent, FrameKind::kError}) {
      EXPECT_EQ(check_header(make_header(kind, static_cast<Method>(method)), kMax),
                HeaderFault::kOk);
    }
  }
}

TEST(RequestHeaderTest, FlagsCarryKindAndOutcome) {
  const RequestHeader header = make_header(FrameKind::kError, Method::kPing, Outcome::kUnknown);
  EXPECT_EQ(kind_of(header.flags), FrameKind::kError);
  EXPECT_EQ(outcome_of(header.flags), Outcome::kUnknown);
  EXPECT_EQ(kind_of(header.flags | flag::kMore | flag::kMapped), FrameKind::kError);
}

TEST(RequestHeaderTest, EveryMagicByteCounts) {
  for (std::size_t at = 0; at < kMagic.size(); ++at) {
    RequestHeader header = request();
    header.magic[at] = static_cast<char>(header.magic[at] ^ 0x20);
    EXPECT_EQ(check_header(header, kMax), HeaderFault::kMagic);
  }
}

TEST(RequestHeaderTest, OnlyThisVersionIsAccepted) {
  for (const std::uint32_t version : {0u, kWireVersion + 1, 0xffff'ffffu}) {
    RequestHeader header = request();
    header.version = version;
    EXPECT_EQ(check_header(header, kMax), HeaderFault::kVersion);
  }
}

TEST(RequestHeaderTest, EveryReservedBitIsRefused) {
  for (unsigned bit = 0; bit < 32; ++bit) {
    if ((flag::kDefined >> bit & 1) != 0) continue;
    RequestHeader header = request();
    header.flags |= 1u << bit;
    EXPECT_EQ(check_header(header, kMax), HeaderFault::kReservedBits) << bit;
  }
}

TEST(RequestHeaderTest, PadAndUnknownKindsAreRefused) {
  for (std::uint32_t kind = 0; kind <= flag::kKindMask; ++kind) {
    RequestHeader header = request();
    header.flags = kind;
    const bool is_known = kind >= 1 && kind <= 4;
    EXPECT_EQ(check_header(header, kMax), is_known ? HeaderFault::kOk : HeaderFault::kKind) << kind;
  }
}

TEST(RequestHeaderTest, UnknownMethodsAreRefused) {
  for (const std::uint32_t method : {0u, kMethodMax + 1, 0xffff'ffffu}) {
    RequestHeader header = request();
    header.method = method;
    EXPECT_EQ(check_header(header, kMax), HeaderFault::kMethod) << method;
  }
}

TEST(RequestHeaderTest, OnlyAnswersHaveAnOutcome) {
  for (std::uint32_t outcome = 0; outcome < 16; ++outcome) {
    for (const FrameKind kind :
         {FrameKind::kRequest, FrameKind::kResponse, FrameKind::kEvent, FrameKind::kError}) {
      RequestHeader header = request();
      header.flags = make_flags(kind, static_cast<Outcome>(outcome));
      const bool is_answer = kind == FrameKind::kResponse || kind == FrameKind::kError;
      const bool is_fine = outcome == 0 || (is_answer && outcome <= kOutcomeMax);
      EXPECT_EQ(check_header(header, kMax), is_fine ? HeaderFault::kOk : HeaderFault::kOutcome)
          << header.flags;
    }
  }
}

TEST(RequestHeaderTest, LengthsUpToTheCarriersLimitAreAccepted) {
  for (const std::uint32_t length : {0u, 1u, kMax - 1, kMax}) {
    RequestHeader header = request();
    header.payload_len = length;
    EXPECT_EQ(check_header(header, kMax), HeaderFault::kOk) << length;
  }
  for (const std::uint32_t length : {kMax + 1, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu}) {
    RequestHeader header = request();
    header.payload_len = length;
    EXPECT_EQ(check_header(header, kMax), HeaderFault::kLength) << length;
  }
}

TEST(RequestHeaderTest, AMappedFrameCarriesExactlyADescriptor) {
  for (const std::uint32_t length : {0u, 1u, 23u, 24u, 25u, kMax}) {
    RequestHeader header = request();
    header.flags |= flag::kMapped;
    header.payload_len = length;
    const bool is_fine = length == sizeof(MappedDescriptor);
    EXPECT_EQ(check_header(header, kMax), is_fine ? HeaderFault::kOk : HeaderFault::kMappedLength);
  }
}

TEST(RequestHeaderTest, MoreIsAllowedWithEveryKind) {
  RequestHeader header = request();
  header.flags |= flag::kMore;
  EXPECT_EQ(check_header(header, kMax), HeaderFault::kOk);
}

TEST(RequestHeaderTest, EveryFaultHasItsOwnText) {
  std::set<std::string> texts;
  for (int fault = 0; fault <= static_cast<int>(HeaderFault::kMappedLength); ++fault) {
    texts.insert(header_fault_text(static_cast<HeaderFault>(fault)));
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(HeaderFault::kMappedLength) + 1);
  EXPECT_STREQ(header_fault_text(static_cast<HeaderFault>(99)), "unknown fault");
}

TEST(RequestHeaderTest, EveryMethodHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::uint32_t method = 1; method <= kMethodMax; ++method) {
    names.insert(method_name(static_cast<Method>(method)));
  }
  EXPECT_EQ(names.size(), kMethodMax);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(method_name(Method::kCallTool), "call_tool");
  EXPECT_EQ(method_name(Method::kProgress), "progress");
  EXPECT_EQ(method_name(static_cast<Method>(kMethodMax + 1)), "unknown");
}

TEST(MappedDescriptorTest, FitsOnlyInsideTheFileWithoutOverflow) {
  const auto fits = [](std::uint64_t offset, std::uint64_t length, std::uint64_t file) {
    return descriptor_fits({0, 0, offset, length}, file);
  };
  EXPECT_TRUE(fits(0, 0, 0));
  EXPECT_TRUE(fits(10, 90, 100));
  EXPECT_TRUE(fits(100, 0, 100));
  EXPECT_FALSE(fits(10, 91, 100));
  EXPECT_FALSE(fits(101, 0, 100));
  EXPECT_FALSE(fits(~0ull, 2, 100));
  EXPECT_FALSE(fits(1, ~0ull, 100));
}

}  // namespace
}  // namespace mcpwire::protocol
