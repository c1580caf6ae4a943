// SPDX-License-Identifier: MIT
//
// Two processes, two segments, one socket: contents, death at every step, hostile memory.
#include "protocol/base/seams/clock.hpp"
#include "ring/detail/shared_word.hpp"
#include "tests/ring/connection.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mcpwire::ring {
namespace {

constexpr std::uint64_t kWatchdogNs = 20 * kNanosecondsPerSecond;

class RingProcessTest : public testing::Test {
 protected:
  RingProcessTest() {
    folder_ = testing::TempDir() + "mcpwire-ring-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/socket";
    listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
  }

  ~RingProcessTest() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  /// Starts the peer and connects with it.
  void start(std::vector<std::string> arguments, std::uint64_t spin_ns = 0) {
    arguments.insert(arguments.begin(), {MCPWIRE_RING_PEER, path_});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ASSERT_EQ(::posix_spawn(&child_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    pollfd watched{listener_.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&watched, 1, 20'000), 1);
    socket_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(socket_);
    connection_ = Connection::exchange(socket_.get(), spin_ns);
    ASSERT_NE(connection_, nullptr);
  }

  std::uint64_t deadline() const { return connection_->clock.monotonic_ns() + kWatchdogNs; }

  /// A waiter that also watches the peer's process.
  Waiter waiter_with(int pidfd, std::uint64_t spin_ns = 0) {
    return Waiter(connection_->consumer, connection_->producer, connection_->clock,
                  {.socket_fd = socket_.get(), .peer_pidfd = pidfd, .spin_ns = spin_ns});
  }

  void wait_until_reached() {
    pollfd watched{socket_.get(), POLLIN, 0};
    std::vector<std::byte> buffer(4096);
    for (;;) {
      ASSERT_EQ(::poll(&watched, 1, 20'000), 1) << "the peer did not reach its step";
      const auto frame = recv_frame(socket_.get(), buffer);
      ASSERT_TRUE(frame.has_value());
      if (frame->has_value() && as_text((*frame)->payload) == "reached") return;
    }
  }

  void kill_peer() { ASSERT_EQ(::kill(child_, SIGKILL), 0); }

  int wait_for_exit() {
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string folder_;
  std::string path_;
  UniqueFd listener_;
  UniqueFd socket_;
  pid_t child_ = -1;
  std::unique_ptr<Connection> connection_;
};

TEST_F(RingProcessTest, ContentsSurviveTwoProcesses) {
  const std::uint64_t count = 20'000;
  start({"produce", std::to_string(count)});
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto outcome = connection_->waiter.wait_blocking(deadline());
    ASSERT_TRUE(outcome.has_value());
    ASSERT_EQ(*outcome, WaitOutcome::kData) << "at " << i;
    ASSERT_EQ(connection_->take(), test_payload(i, test_payload_bytes(i))) << "at " << i;
  }
  EXPECT_EQ(connection_->waiter.wait_blocking(deadline()).value(), WaitOutcome::kPeerGone);
  EXPECT_EQ(wait_for_exit(), 0);
}

class RingEchoTest : public RingProcessTest, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(RingEchoTest, EveryPayloadComesBack) {
  start({"echo", "0", std::to_string(GetParam())}, GetParam());
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    const std::string payload = test_payload(i, test_payload_bytes(i));
    ASSERT_TRUE(connection_->send(payload, i, deadline()));
    ASSERT_EQ(connection_->waiter.wait_blocking(deadline()).value(), WaitOutcome::kData) << i;
    ASSERT_EQ(connection_->take(), payload);
  }
  socket_.reset();
  EXPECT_EQ(wait_for_exit(), 0) << "the peer notices our end";
}

INSTANTIATE_TEST_SUITE_P(SpinNs, RingEchoTest, testing::Values(0, 20'000));

TEST_F(RingProcessTest, ThePeersProcessIsKnownAndItsEndIsSeen) {
  start({"connected"});
  wait_until_reached();
  EXPECT_EQ(peer_pid(socket_.get()).value(), child_);
  EXPECT_EQ(peer_uid(socket_.get()).value(), ::getuid());
  const auto by_socket = peer_pidfd(socket_.get(), KernelAbility::kUseIfPresent);
  const auto by_number = peer_pidfd(socket_.get(), KernelAbility::kHidden);
  ASSERT_TRUE(by_socket.has_value() && by_number.has_value());
  kill_peer();
  for (const UniqueFd* pidfd : {&*by_socket, &*by_number}) {
    pollfd watched{pidfd->get(), POLLIN, 0};
    EXPECT_EQ(::poll(&watched, 1, 20'000), 1);
  }
  EXPECT_EQ(wait_for_exit(), -SIGKILL);
  const auto gone = peer_pidfd(socket_.get(), KernelAbility::kHidden);
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().kind, ErrorKind::kDisconnected);
}

struct Death {
  const char* step;
  int records;     ///< That arrive although the peer is dead.
  bool announces;  ///< The peer says when it is there.
};

class RingDeathTest : public RingProcessTest, public testing::WithParamInterface<Death> {};

TEST_P(RingDeathTest, IsNoticedAfterEverythingPublishedWasDelivered) {
  const bool spins = std::string(GetParam().step) == "spinning";
  start({GetParam().step, "0", spins ? "60000000000" : "0"});
  if (std::string(GetParam().step) == "peeked") {
    ASSERT_TRUE(connection_->send("something to look at", 1, deadline()));
  }
  if (GetParam().announces) wait_until_reached();
  if (std::string(GetParam().step) == "parked") {
    detail::ReadOnlyWord<std::uint64_t> word(connection_->peer.memory().page->wait_word);
    while (!wait_word_asleep(word.load(std::memory_order_relaxed))) ::sched_yield();
  }
  if (std::string(GetParam().step) == "full") {
    detail::ReadOnlyWord<std::uint64_t> word(connection_->peer.memory().page->space_wait_word);
    while (!wait_word_asleep(word.load(std::memory_order_relaxed))) ::sched_yield();
  }
  const UniqueFd pidfd = peer_pidfd(socket_.get(), KernelAbility::kUseIfPresent).value();
  kill_peer();
  Waiter waiter = waiter_with(pidfd.get());
  int records = 0;
  for (;;) {
    const auto outcome = waiter.wait_blocking(deadline());
    ASSERT_TRUE(outcome.has_value());
    if (*outcome == WaitOutcome::kPeerGone) break;
    ASSERT_EQ(*outcome, WaitOutcome::kData);
    const auto frame = connection_->consumer.peek();
    ASSERT_TRUE(frame.has_value() && frame->has_value());
    connection_->consumer.release();
    ++records;
  }
  EXPECT_EQ(records, GetParam().records);
  EXPECT_EQ(wait_for_exit(), -SIGKILL);
}

INSTANTIATE_TEST_SUITE_P(Steps, RingDeathTest,
                         testing::Values(Death{"connected", 0, true}, Death{"committed", 3, true},
                                         Death{"reserved", 3, true}, Death{"batch", 0, true},
                                         Death{"peeked", 0, true}, Death{"parked", 0, false},
                                         Death{"spinning", 0, false}, Death{"full", 7, false}),
                         [](const testing::TestParamInfo<Death>& info) {
                           return std::string(info.param.step);
                         });

TEST_F(RingProcessTest, ASpinningWaiterNoticesTheDeathOfItsPeer) {
  start({"connected"});
  wait_until_reached();
  Waiter waiter = waiter_with(-1, 60 * kNanosecondsPerSecond);
  kill_peer();
  EXPECT_EQ(waiter.wait_blocking(deadline()).value(), WaitOutcome::kPeerGone);
  EXPECT_EQ(waiter.counters().parks, 0u);
}

TEST_F(RingProcessTest, AStoppedPeerIsATimeoutAndAnswersWhenItGoesOn) {
  start({"echo"});
  ASSERT_EQ(::kill(child_, SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child_, &status, WUNTRACED), child_);
  ASSERT_TRUE(WIFSTOPPED(status));
  ASSERT_TRUE(connection_->send("hello", 1, deadline()));
  EXPECT_EQ(
      connection_->waiter.wait_blocking(connection_->clock.monotonic_ns() + 1'000'000).value(),
      WaitOutcome::kTimeout);
  ASSERT_EQ(::kill(child_, SIGCONT), 0);
  ASSERT_EQ(connection_->waiter.wait_blocking(deadline()).value(), WaitOutcome::kData);
  EXPECT_EQ(connection_->take(), "hello");
}

}  // namespace
}  // namespace mcpwire::ring
