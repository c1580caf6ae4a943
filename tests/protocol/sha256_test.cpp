// SPDX-License-Identifier: MIT
#include "protocol/base/sha256.hpp"

#include <gmock/gmock.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcpwire {
namespace {

std::string hash_of(std::string_view text) { return hex_of(Sha256().update(text).finish()); }

/// `bytes` bytes that differ, the same for every build.
std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t at = 0; at < bytes; ++at) text[at] = static_cast<char>((at * 7 + bytes) & 0xff);
  return text;
}

TEST(Sha256Test, GivesThePublishedDigests) {
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash_of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Around every length at which the padding needs one block more. Digests from Python's hashlib.
TEST(Sha256Test, AgreesWithAnotherImplementationAroundBlockEnds) {
  const std::vector<std::pair<std::size_t, std::string_view>> digests = {
      {55, "81afe5b788dc2ce138ff83d9b20164db75a94d75d2b2432eea4a0ef605088c72"},
      {56, "2aba54f0ac632420a2b502431408866e40e1d5e430df4cd822642c78ab2eb9c1"},
      {63, "733d3d4ee79ee67145bf73da13588f6f235d37414fc64b14a2f00f1762792f5e"},
      {64, "79322907b3e9d013d7dc2c2f256674dbf733045cde01df3539271c6f5605feb8"},
      {65, "d85c007c6eb440f085afa2b84f6f2bce4658b240e9f62cb1364bf0485a57e720"},
      {119, "6c87eedf096b345de205b702e5223b73b447a3207791ded3ea007ba15ed6736e"},
      {120, "42500cf6a1e3936d6b9e0bcfe296d654b63255e525487d3634d0b15fde591c4d"},
      {1000, "6b0df76627243d095b0c4400cb658b7e804dd03461cc03aee8fc8fe0bcada168"}};
  for (const auto& [bytes, digest] : digests) EXPECT_EQ(hash_of(pattern(bytes)), digest) << bytes;
}

TEST(Sha256Test, PiecesHashLikeTheWhole) {
  const std::string text = pattern(300);
  for (std::size_t piece = 1; piece < 140; ++piece) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      hash.update(std::string_view(text).substr(at, piece));
    }
    EXPECT_EQ(hex_of(hash.finish()), hash_of(text)) << piece;
  }
}

TEST(Sha256Test, FieldsDoNotRunIntoEachOther) {
  const std::string split = hex_of(Sha256().update_field("ab").update_field("c").finish());
  EXPECT_EQ(split, "601d5476e2ccfe2c87a2bba7a322659734a05749d5b5aa781f513e4912db0d5f");
  EXPECT_NE(split, hex_of(Sha256().update_field("a").update_field("bc").finish()));
  EXPECT_NE(split, hex_of(Sha256().update_field("ab").update_field("c").update_field("").finish()));
}

}  // namespace
}  // namespace mcpwire
