// SPDX-License-Identifier: MIT
#include "daemon/config/limits.hpp"

#include "protocol/request_header.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace mcpwire::config {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

using enum LimitKey;
using enum LimitUnit;
using enum LimitScope;

// The least values leave a server able to shake hands; the most are what the daemon can carry.
constexpr std::array<LimitFacts, kLimitCount> kTable = {{
    {kLineBytes, "lineBytes", kBytes, kCommand, kKiB, protocol::kMessageBytesMax},
    {kQueueBytes, "queueBytes", kBytes, kBoth, kKiB, kGiB},
    {kJunkLines, "junkLines", kCount, kCommand, 0, 1'000'000'000},
    {kStderrBytes, "stderrBytes", kBytes, kCommand, kKiB, 16 * kMiB},
    {kMessageBytes, "messageBytes", kBytes, kUrl, kKiB, protocol::kMessageBytesMax},
    {kHeaderBytes, "headerBytes", kBytes, kUrl, kKiB, kMiB},
    {kOpenFiles, "openFiles", kCount, kCommand, 16, 1'048'576},
    {kAddressSpaceBytes, "addressSpaceBytes", kBytes, kCommand, 16 * kMiB, 1024 * kGiB},
    {kMemoryBytes, "memoryBytes", kBytes, kCommand, 4 * kMiB, 1024 * kGiB},
    {kCpuSeconds, "cpuSeconds", kCount, kCommand, 1, 1'000'000'000},
    {kProcesses, "processes", kCount, kCommand, 1, 1'000'000},
}};

constexpr bool is_in_order() {
  for (std::size_t at = 0; at < kTable.size(); ++at) {
    if (static_cast<std::size_t>(kTable[at].key) != at) return false;
  }
  return true;
}
static_assert(is_in_order());

struct Suffix {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Suffix, 5> kSuffixes = {
    {{"", 1}, {"B", 1}, {"KiB", kKiB}, {"MiB", kMiB}, {"GiB", kGiB}}};

}  // namespace

std::span<const LimitFacts, kLimitCount> limit_table() noexcept { return kTable; }

const LimitFacts* find_limit(std::string_view name) noexcept {
  const auto found = std::ranges::find(kTable, name, &LimitFacts::name);
  return found == kTable.end() ? nullptr : &*found;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (fault == std::errc{}) {
    const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
    const auto found = std::ranges::find(kSuffixes, suffix, &Suffix::name);
    const bool fits = found != kSuffixes.end() &&
                      number <= std::numeric_limits<std::uint64_t>::max() / found->factor;
    if (fits) return number * found->factor;
  }
  return fail(ErrorKind::kInvalid, ErrorCode::kUnspecified,
              "not a size: write a number of bytes, 64KiB, 1MiB or 2GiB");
}

}  // namespace mcpwire::config
