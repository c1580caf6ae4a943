// SPDX-License-Identifier: MIT
//
// A warm ping and a warm call of 1 KiB allocate nothing, in the daemon and in the client: counted
// by a replaced operator new on both sides. Coroutine frames and texts come from free lists.
#include "client/connection.hpp"
#include "tests/process/daemon_fixture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
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

class AllocationTest : public DaemonFixture {
 protected:
  AllocationTest() : counter_path_(work() + "/allocations") {
    write_file(counter_path_, std::string(4096, '\0'));
    const int fd = ::open(counter_path_.c_str(), O_RDWR | O_CLOEXEC);
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT_NE(page, MAP_FAILED);
    ::close(fd);
    of_daemon_ = static_cast<std::atomic<std::uint64_t>*>(page);
    use_demo_server();
    start_counted_daemon();
    client::ConnectOptions options;
    options.runtime_directory = run_directory();
    options.auto_start = client::AutoStart::kNo;
    options.config = client::ConfigReference{environment["MCPWIRE_CONFIG"]};
    options.working_directory = work();
    auto connection = client::Connection::connect(options);
    EXPECT_TRUE(connection.has_value());
    connection_ = std::make_unique<client::Connection>(*std::move(connection));
  }
  ~AllocationTest() override {
    connection_.reset();
    run({"daemon", "stop"});
    ::waitpid(daemon_, nullptr, 0);
    ::munmap(of_daemon_, 4096);
  }

  /// Without mcpwire, which takes LD_PRELOAD out of what it starts.
  void start_counted_daemon() {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    daemon_ = ::fork();
    ASSERT_GE(daemon_, 0);
    if (daemon_ == 0) {
      ::setenv("LD_PRELOAD", MCPWIRE_ALLOCATION_COUNTER, 1);
      ::setenv("MCPWIRE_TEST_ALLOCATIONS", counter_path_.c_str(), 1);
      ::close(ready[0]);
      ::execl(program("mcpwired").c_str(), "mcpwired", "--runtime-dir", run_directory().c_str(),
              "--ready-fd", std::to_string(ready[1]).c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ready[1]);
    std::array<char, 64> said{};
    EXPECT_GT(::read(ready[0], said.data(), said.size() - 1), 0);
    EXPECT_STREQ(said.data(), "ready\n");
    ::close(ready[0]);
  }

  struct Counts {
    std::uint64_t daemon;
    std::uint64_t client;
  };
  /// Over kCounted times, once it is warm.
  template <class Work>
  Counts count(Work&& work) {
    for (int i = 0; i < kWarmUp; ++i) work();
    const std::uint64_t daemon_before = of_daemon_->load();
    EXPECT_GT(daemon_before, 0U);  // Or nobody counts.
    const std::uint64_t client_before = own_allocations.load();
    for (int i = 0; i < kCounted; ++i) work();
    return {of_daemon_->load() - daemon_before, own_allocations.load() - client_before};
  }

  std::string counter_path_;
  std::atomic<std::uint64_t>* of_daemon_ = nullptr;
  pid_t daemon_ = -1;
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
