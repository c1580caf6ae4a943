// SPDX-License-Identifier: MIT
#include "protocol/json/detail/structural_index.hpp"

#include "protocol/json/envelope.hpp"

#include <gmock/gmock.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::protocol::json {
namespace {

using detail::StructuralIndex;
using ::testing::ElementsAre;

std::vector<std::uint32_t> positions_of(const StructuralIndex& index) {
  return {index.positions(), index.positions() + index.count()};
}

/// Text that ends where a page begins that nobody may read.
class TextBeforeAGuardPage {
 public:
  explicit TextBeforeAGuardPage(std::string_view text) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t used = (text.size() + page - 1) / page * page;
    bytes_ = used + page;
    memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory_, MAP_FAILED);
    char* const guard = static_cast<char*>(memory_) + used;
    EXPECT_EQ(::mprotect(guard, page, PROT_NONE), 0);
    std::memcpy(guard - text.size(), text.data(), text.size());
    text_ = {guard - text.size(), text.size()};
  }
  TextBeforeAGuardPage(const TextBeforeAGuardPage&) = delete;
  TextBeforeAGuardPage& operator=(const TextBeforeAGuardPage&) = delete;
  ~TextBeforeAGuardPage() { ::munmap(memory_, bytes_); }

  std::string_view text() const { return text_; }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
  std::string_view text_;
};

TEST(StructuralIndexTest, ListsWhereTokensBegin) {
  StructuralIndex index;
  ASSERT_EQ(index.build(R"({"a" : [tru,1]} )"), JsonFault::kNone);
  EXPECT_THAT(positions_of(index), ElementsAre(0, 1, 5, 7, 8, 11, 12, 13, 14));
  EXPECT_EQ(index.positions()[index.count()], 16u);
}

TEST(StructuralIndexTest, ReadsNothingBehindTheText) {
  StructuralIndex index;
  EnvelopeParser parser;
  for (std::size_t bytes = 1; bytes <= 300; ++bytes) {
    std::string line = R"({"jsonrpc":"2.0","id":1,"result":")";
    line += bytes > line.size() + 2 ? std::string(bytes - line.size() - 2, 'a') : "";
    line += "\"}";
    const TextBeforeAGuardPage whole(line);
    EXPECT_TRUE(parser.parse(whole.text()).has_value());
    const TextBeforeAGuardPage cut(std::string_view(line).substr(0, std::min(bytes, line.size())));
    (void)parser.parse(cut.text());
    (void)index.build(cut.text());
  }
}

TEST(StructuralIndexTest, ReadsNothingBehindAScalarAtTheEnd) {
  EnvelopeParser parser;
  for (const std::string_view text :
       {"t", "tru", "f", "nul", "-", "1", "1.", "1e", "1e+", "\"", "\"\\", "\"\\u", "\"\\u00",
        "{\"", "{\"a\"", "{\"a\":", "{\"a\":1"}) {
    const TextBeforeAGuardPage guarded(text);
    EXPECT_FALSE(parser.parse(guarded.text()).has_value());
  }
}

TEST(StructuralIndexTest, GivesAJumboBufferBack) {
  StructuralIndex index;
  ASSERT_EQ(index.build("[1]"), JsonFault::kNone);
  const std::string jumbo(StructuralIndex::kKeptBytesMax + 1, '1');
  ASSERT_EQ(index.build(jumbo), JsonFault::kNone);
  EXPECT_THAT(positions_of(index), ElementsAre(0));
  EXPECT_TRUE(index.holds_jumbo());
  index.release_jumbo();
  EXPECT_FALSE(index.holds_jumbo());
  EXPECT_EQ(index.count(), 0u);
  ASSERT_EQ(index.build("[1]"), JsonFault::kNone);
  EXPECT_THAT(positions_of(index), ElementsAre(0, 1, 2));
}

TEST(StructuralIndexTest, RefusesTextOverTheMessageLimit) {
  // Never read: the size alone refuses it.
  const std::string_view huge("[]", (std::size_t{256} << 20) + 1);
  EXPECT_EQ(StructuralIndex().build(huge), JsonFault::kTooLarge);
}

}  // namespace
}  // namespace mcpwire::protocol::json
