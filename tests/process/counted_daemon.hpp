// SPDX-License-Identifier: MIT
//
// CountedDaemonFixture: a daemon whose calls of operator new and bytes in use a preloaded library
// counts (allocation_counter.cpp).
//
// Threading: one thread.
#pragma once

#include "tests/process/client_fixture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace mcpwire::test {

class CountedDaemonFixture : public ClientFixture {
 protected:
  CountedDaemonFixture() : counter_path_(work() + "/allocations") {
    write_file(counter_path_, std::string(4096, '\0'));
    const int fd = ::open(counter_path_.c_str(), O_RDWR | O_CLOEXEC);
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT_NE(page, MAP_FAILED);
    ::close(fd);
    of_daemon_ = static_cast<std::atomic<std::uint64_t>*>(page);
    use_demo_server();
    start_counted_daemon();
  }
  ~CountedDaemonFixture() override {
    run({"daemon", "stop"});
    ::waitpid(daemon_, nullptr, 0);
    ::munmap(of_daemon_, 4096);
  }

  client::Connection connect(std::uint32_t ring_bytes = client::ConnectOptions{}.ring_bytes) {
    client::ConnectOptions options = connect_options();
    options.auto_start = client::AutoStart::kNo;
    options.ring_bytes = ring_bytes;
    auto connection = client::Connection::connect(options);
    EXPECT_TRUE(connection.has_value());
    return *std::move(connection);
  }

  std::uint64_t daemon_allocations() const { return of_daemon_[0].load(); }
  /// What malloc holds for operator new, its own rounding and heads included.
  std::uint64_t daemon_bytes() const { return of_daemon_[1].load(); }

 private:
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

  std::string counter_path_;
  std::atomic<std::uint64_t>* of_daemon_ = nullptr;
  pid_t daemon_ = -1;
};

}  // namespace mcpwire::test
