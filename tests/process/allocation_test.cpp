// SPDX-License-Identifier: MIT
//
// A warm ping and a warm call of 1 KiB allocate nothing, in the daemon and in the client: counted
// by a replaced operator new on both sides. Coroutine frames and texts come from free lists.
#include "tests/process/counted_daemon.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

namespace {

std::atomic<std::uint64_t> own_allocations{0};

void* counted(std::size_t bytes) {
  own_allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace mcpwire::test {
namespace {

constexpr int kWarmUp = 300;
constexpr int kCounted = 1000;

class AllocationTest : public CountedDaemonFixture {
 protected:
  AllocationTest() : connection_(std::make_unique<client::Connection>(connect())) {}

  struct Counts {
    std::uint64_t daemon;
    std::uint64_t client;
  };
  /// Over kCounted times, once it is warm. The smallest of three windows: a second after its start
  /// the daemon measures what waking a thread costs, which has nothing to do with requests.
  template <class Work>
  Counts count(Work&& work) {
    for (int i = 0; i < kWarmUp; ++i) work();
    EXPECT_GT(daemon_allocations(), 0U);  // Or nobody counts.
    Counts least{~std::uint64_t{0}, ~std::uint64_t{0}};
    for (int window = 0; window < 3; ++window) {
      const std::uint64_t daemon_before = daemon_allocations();
      const std::uint64_t client_before = own_allocations.load();
      for (int i = 0; i < kCounted; ++i) work();
      least.daemon = std::min(least.daemon, daemon_allocations() - daemon_before);
      least.client = std::min(least.client, own_allocations.load() - client_before);
    }
    return least;
  }

  std::unique_ptr<client::Connection> connection_;
};

TEST_F(AllocationTest, APingAllocatesNothing) {
  bool ok = true;
  const Counts counts = count([&] { ok = ok && connection_->ping().has_value(); });
  EXPECT_TRUE(ok);
  EXPECT_EQ(counts.daemon, 0U);
  EXPECT_EQ(counts.client, 0U);
}

TEST_F(AllocationTest, ACallOfAKibibyteAllocatesNothing) {
  const std::string text(1024, 'x');
  const std::string arguments = "{\"message\":\"" + text + "\"}";
  bool ok = true;
  const Counts counts = count([&] {
    const client::CallReply reply = connection_->call_tool({"demo", "echo", arguments});
    ok = ok && reply.outcome == protocol::Outcome::kOk && reply.body.size() > text.size();
  });
  EXPECT_TRUE(ok);
  EXPECT_EQ(counts.daemon, 0U);
  EXPECT_EQ(counts.client, 0U);
}

}  // namespace
}  // namespace mcpwire::test
