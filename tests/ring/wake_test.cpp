// SPDX-License-Identifier: MIT
//
// No wake-up is lost: two processes that never spin send to each other, with random pauses, so that
// one goes to sleep while the other publishes. After 50 ms without progress a judge looks from
// outside: if both processes sleep, one of them for something that is there, and no doorbell is on
// its way, the wake-up is lost and the test fails. Any other silence is the machine's scheduling,
// which is counted and printed.
//
// MCPWIRE_WAKE_ROUNDS: messages in each direction. MCPWIRE_SEED: of the pauses.
#include "protocol/base/process_fd.hpp"
#include "protocol/base/system_clock.hpp"
#include "ring/control_socket.hpp"
#include "ring/waiter.hpp"
#include "tests/ring/ring_pair.hpp"
#include "tests/ring/socket_pair.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mcpwire::ring {
namespace {

#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr std::uint64_t kRounds = 10'000;
#else
constexpr std::uint64_t kRounds = 100'000;
#endif
constexpr int kSilenceMs = 50;
constexpr std::uint64_t kPauseNsMax = 40 * kNanosecondsPerMicrosecond;
constexpr int kLostMax = 10;
/// Two pauses of the two processes often end so close to each other. Unless they do, one is asleep
/// or awake for long when the other publishes, and nothing can go wrong.
constexpr std::uint64_t kCoincidenceNs = 2'000;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What the two processes tell the judge.
struct Report {
  std::atomic<std::uint64_t> progress{0};
  std::atomic<std::uint64_t> parks{0};
  std::atomic<std::uint64_t> doorbells{0};
  std::atomic<std::uint64_t> pause_end_ns{0};
};

/// Memory that forked children share with us.
class SharedReports {
 public:
  SharedReports() {
    void* base = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(base, MAP_FAILED);
    reports_ = new (base) std::array<Report, 2>;
  }
  SharedReports(SharedReports&&) = delete;
  ~SharedReports() { ::munmap(reports_, kBytes); }
  Report& operator[](std::size_t i) { return (*reports_)[i]; }

 private:
  static constexpr std::size_t kBytes = 4096;
  std::array<Report, 2>* reports_;
};

PeerSegment attach_to(const OwnedSegment& segment) {
  auto attached =
      PeerSegment::attach(UniqueFd(::fcntl(segment.fd(), F_DUPFD_CLOEXEC, 0)), kRingBytesMin);
  EXPECT_TRUE(attached.has_value());
  return std::move(attached).value();
}

void inherit(const void* base) {
  EXPECT_EQ(::madvise(const_cast<void*>(base), segment_bytes(kRingBytesMin), MADV_DOFORK), 0);
}

enum class Traffic {
  kPingPong,  ///< Each waits for the other's message.
  kStream,    ///< One sends what fills the ring, the other takes it.
  kBothWays,  ///< Both do both at the same time.
};

struct Wake {
  const char* name;
  Traffic traffic;
  std::uint32_t payload_bytes;
};

/// One process's end of the traffic.
class Talker {
 public:
  Talker(SegmentMemory own, PeerMemory peer, int socket_fd, Report& report, const Report& other,
         std::uint64_t seed)
      : consumer_(own, peer),
        producer_(own, peer),
        socket_(socket_fd),
        waiter_(consumer_, producer_, clock_, {.socket_fd = socket_fd, .spin_ns = 0}),
        report_(report),
        other_(other),
        random_(seed) {}

  /// Sends `send` messages, at most `ahead` more than it has taken, and takes `take`. True if all
  /// came in order.
  bool talk(std::uint64_t send, std::uint64_t take, std::uint64_t ahead, std::uint32_t bytes) {
    const std::string payload(bytes, 'x');
    std::uint64_t sent = 0;
    std::uint64_t taken = 0;
    while (sent < send || taken < take) {
      const bool may_send = sent < send && sent < taken + ahead;
      if (may_send && producer_.try_push(request_header(), sent, as_bytes(payload), {})) {
        ++sent;
        if (producer_.peer_needs_doorbell()) static_cast<void>(ring_doorbell(socket_).has_value());
        tell();
        pause();
        continue;
      }
      const auto room = may_send ? std::optional(bytes) : std::nullopt;
      const auto outcome = waiter_.wait_blocking(kNever, room);
      if (!outcome || (*outcome != WaitOutcome::kData && *outcome != WaitOutcome::kSpace)) {
        return false;
      }
      if (*outcome == WaitOutcome::kData && !take_some(taken)) return false;
    }
    return true;
  }

 private:
  /// One record or all of them, and the credits back, as an event loop does.
  bool take_some(std::uint64_t& taken) {
    pause();
    const bool only_one = random_() % 2 == 0;
    do {
      const auto frame = consumer_.peek();
      if (!frame) return false;
      if (!*frame) break;
      if ((*frame)->header.correlation != taken++) return false;
      consumer_.release();
      tell();
    } while (!only_one);
    if (consumer_.peer_waits_for_space()) static_cast<void>(ring_doorbell(socket_).has_value());
    return true;
  }

  void tell() {
    report_.progress.fetch_add(1, std::memory_order_relaxed);
    report_.parks.store(waiter_.counters().parks, std::memory_order_relaxed);
    report_.doorbells.store(waiter_.counters().doorbells_taken, std::memory_order_relaxed);
  }

  void pause() {
    const std::uint64_t now_ns = clock_.monotonic_ns();
    const std::uint64_t other_end_ns = other_.pause_end_ns.load(std::memory_order_relaxed);
    const bool can_meet = other_end_ns > now_ns && other_end_ns - now_ns < kPauseNsMax;
    const std::uint64_t end_ns =
        can_meet && random_() % 4 != 0
            ? other_end_ns - kCoincidenceNs / 2 + random_() % kCoincidenceNs
            : now_ns + random_() % kPauseNsMax;
    report_.pause_end_ns.store(end_ns, std::memory_order_relaxed);
    while (clock_.monotonic_ns() < end_ns) {
    }
  }

  Consumer consumer_;
  Producer producer_;
  int socket_;
  SystemClock clock_;
  Waiter waiter_;
  Report& report_;
  const Report& other_;
  std::minstd_rand random_;
};

/// In a system call that has to wait, or at its end.
bool is_asleep(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && (stat[name_end + 2] == 'S' || stat[name_end + 2] == 'Z');
}

std::uint64_t load(const std::uint64_t& field) {
  return detail::ReadOnlyWord<std::uint64_t>(field).load(std::memory_order_seq_cst);
}

/// What the judge sees of one process: its segment, its peer's, its end of the socket.
struct Side {
  PeerMemory own;
  PeerMemory peer;
  int socket;
  pid_t process;

  bool doorbell_pending() const {
    pollfd watched{socket, POLLIN, 0};
    return ::poll(&watched, 1, 0) != 0;
  }
  static bool has_record_at(const PeerMemory& ring, std::uint64_t position) {
    return detail::commit_word(ring.ring + (position & (ring.ring_bytes - 1)))
               .load(std::memory_order_seq_cst) != 0;
  }
  bool sleeps_beside_data() const {
    return wait_word_asleep(load(own.page->wait_word)) &&
           has_record_at(peer, load(own.page->consumer_position));
  }
  /// Nothing of what it sent is still to be taken, so there is room for any message.
  bool sleeps_beside_room() const {
    return wait_word_asleep(load(own.page->space_wait_word)) &&
           !has_record_at(own, load(peer.page->consumer_position));
  }
  bool sleeps_in_vain() const {
    return (sleeps_beside_data() || sleeps_beside_room()) && !doorbell_pending();
  }
};

class WakeTest : public testing::TestWithParam<Wake> {
 protected:
  WakeTest() {
    for (const OwnedSegment& segment : segments_) inherit(segment.memory().page);
    for (const PeerSegment& view : views_) inherit(view.memory().page);
  }

  pid_t start(std::size_t which) {
    const pid_t process = ::fork();
    if (process != 0) return process;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const std::size_t other = 1 - which;
    const auto& [name, traffic, bytes] = GetParam();
    Talker talker(segments_[which].memory(), views_[other].memory(), socket(which), reports_[which],
                  reports_[other], seed_ + which);
    const bool is_first = which == 0;
    const bool sends = traffic != Traffic::kStream || is_first;
    const bool takes = traffic != Traffic::kStream || !is_first;
    const std::uint64_t ahead = traffic != Traffic::kPingPong ? rounds_ : is_first ? 1 : 0;
    const bool good = talker.talk(sends ? rounds_ : 0, takes ? rounds_ : 0, ahead, bytes);
    ::_exit(good ? 0 : 1);
  }

  int socket(std::size_t which) const {
    return which == 0 ? sockets_.near.get() : sockets_.far.get();
  }
  Side side(std::size_t which, pid_t process) const {
    return {segments_[which].memory(), segments_[1 - which].memory(), socket(which), process};
  }
  std::uint64_t progress() {
    return reports_[0].progress.load(std::memory_order_relaxed) +
           reports_[1].progress.load(std::memory_order_relaxed);
  }

  void judge(const std::array<Side, 2>& sides);
  void look(const std::array<Side, 2>& sides);

  const std::uint64_t rounds_ = from_environment("MCPWIRE_WAKE_ROUNDS", kRounds);
  const std::uint64_t seed_ = from_environment("MCPWIRE_SEED", std::random_device()());
  std::array<OwnedSegment, 2> segments_ = {make_segment(kRingBytesMin),
                                           make_segment(kRingBytesMin)};
  std::array<PeerSegment, 2> views_ = {attach_to(segments_[0]), attach_to(segments_[1])};
  SocketPair sockets_;
  SharedReports reports_;
  int lost_ = 0;
  int scheduling_ = 0;
  bool suspected_ = false;
};

/// A silence is lost at the second look: what sleeps in vain then has done so for another 50 ms.
void WakeTest::look(const std::array<Side, 2>& sides) {
  const bool all_sleep = is_asleep(sides[0].process) && is_asleep(sides[1].process);
  const bool in_vain = sides[0].sleeps_in_vain() || sides[1].sleeps_in_vain();
  if (!all_sleep || !in_vain) {
    ++scheduling_;
    suspected_ = false;
    return;
  }
  if (!suspected_) {
    suspected_ = true;
    return;
  }
  ++lost_;
  suspected_ = false;
  // To see whether it happens again.
  for (const Side& one : sides) static_cast<void>(ring_doorbell(one.socket).has_value());
}

/// Until both have ended, or too much was lost.
void WakeTest::judge(const std::array<Side, 2>& sides) {
  const std::array<UniqueFd, 2> ends = {open_process(sides[0].process),
                                        open_process(sides[1].process)};
  std::array<pollfd, 2> watched{{{ends[0].get(), POLLIN, 0}, {ends[1].get(), POLLIN, 0}}};
  std::uint64_t before = progress();
  while (lost_ < kLostMax && (watched[0].fd >= 0 || watched[1].fd >= 0)) {
    if (::poll(watched.data(), watched.size(), kSilenceMs) != 0) {
      for (pollfd& one : watched) one.fd = one.revents != 0 ? -1 : one.fd;
      continue;
    }
    const std::uint64_t now = progress();
    if (now == before) {
      look(sides);
    } else {
      suspected_ = false;
    }
    before = now;
  }
}

TEST_P(WakeTest, NoWakeUpIsLost) {
  const std::array<pid_t, 2> processes = {start(0), start(1)};
  judge({side(0, processes[0]), side(1, processes[1])});
  for (const pid_t process : processes) {
    if (lost_ != 0) ::kill(process, SIGKILL);
    int status = -1;
    EXPECT_EQ(::waitpid(process, &status, 0), process);
    if (lost_ == 0) EXPECT_EQ(status, 0);
  }
  const auto sum = [&](std::atomic<std::uint64_t> Report::* field) {
    return (reports_[0].*field).load(std::memory_order_relaxed) +
           (reports_[1].*field).load(std::memory_order_relaxed);
  };
  std::cout << GetParam().name << ": lost " << lost_ << " after " << progress()
            << " messages sent and taken, parked " << sum(&Report::parks) << " times, doorbells "
            << sum(&Report::doorbells) << ", 50 ms of silence by scheduling " << scheduling_
            << ", MCPWIRE_SEED=" << seed_ << '\n';
  EXPECT_EQ(lost_, 0);
  EXPECT_GT(sum(&Report::parks), rounds_ / 100) << "nothing to be lost";
}

INSTANTIATE_TEST_SUITE_P(Traffic, WakeTest,
                         testing::Values(Wake{"PingPong", Traffic::kPingPong, 32},
                                         Wake{"Stream", Traffic::kStream, 700},
                                         Wake{"BothWays", Traffic::kBothWays, 700}),
                         [](const auto& parameters) { return parameters.param.name; });

}  // namespace
}  // namespace mcpwire::ring
