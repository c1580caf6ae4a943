// SPDX-License-Identifier: MIT
#include "io/shard_mail.hpp"

#include "protocol/base/check.hpp"
#include "telemetry/system_calls.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace mcpwire::io {
namespace {

constexpr std::size_t kLaneLetters = 1024;
// Of each sender in one turn, so that a flood of one keeps nobody else waiting.
constexpr std::size_t kBatchMax = 64;

}  // namespace

struct ShardMail::Lane {
  boost::lockfree::spsc_queue<ShardWork*, boost::lockfree::capacity<kLaneLetters>> letters;
};

struct alignas(64) ShardMail::Bell {
  UniqueFd fd;
  /// The loop sleeps, or is about to, and nobody has rung since.
  std::atomic<bool> is_asleep{false};

  void ring() noexcept {
    // SYNC [shard-wake] After the push. Either this finds true and rings, or it comes before the
    // sleeper's own exchange, and the look behind that one sees the letter.
    if (!is_asleep.exchange(false, std::memory_order_acq_rel)) return;
    const std::uint64_t one = 1;
    telemetry::count_system_call();
    const ssize_t written = write(fd.get(), &one, sizeof one);
    MCPWIRE_CHECK(written == sizeof one);
  }
};

ShardMail::ShardMail() = default;

Result<std::unique_ptr<ShardMail>> ShardMail::create(std::size_t shards) {
  MCPWIRE_CHECK(shards > 0);
  std::unique_ptr<ShardMail> mail(new ShardMail);
  for (std::size_t lane = 0; lane < shards * shards; ++lane) {
    mail->lanes_.push_back(std::make_unique<Lane>());
  }
  for (std::size_t shard = 0; shard < shards; ++shard) {
    auto bell = std::make_unique<Bell>();
    bell->fd.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell->fd) return fail(Error::from_errno(ErrorKind::kInternal, errno, "eventfd"));
    mail->bells_.push_back(std::move(bell));
  }
  return mail;
}

ShardMail::~ShardMail() {
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    ShardWork* letter = nullptr;
    while (lane->letters.pop(letter)) delete letter;
  }
}

std::size_t ShardMail::shards() const noexcept { return bells_.size(); }

ShardMail::Lane& ShardMail::lane(std::size_t from, std::size_t to) noexcept {
  return *lanes_[from * shards() + to];
}

ShardPort::ShardPort(Loop& loop, ShardMail& mail, std::size_t own)
    : loop_(loop),
      mail_(mail),
      own_(own),
      watcher_(loop, mail.bells_[own]->fd.get(), *this),
      backlog_(mail.shards()) {
  loop_.add_poller(*this);
  watcher_.start(WatchMode::kEachArrival);
}

ShardPort::~ShardPort() {
  watcher_.stop();
  for (const std::deque<ShardWork*>& letters : backlog_) {
    for (const ShardWork* letter : letters) delete letter;
  }
}

void ShardPort::send(std::size_t to, ShardWork work) {
  auto letter = std::make_unique<ShardWork>(std::move(work));
  // Behind what waits already: the order of sending is the order of arrival.
  if (!backlog_[to].empty() || !mail_.lane(own_, to).letters.push(letter.get())) {
    backlog_[to].push_back(letter.release());
    ++kept_;
    return;
  }
  static_cast<void>(letter.release());
  mail_.bells_[to]->ring();
}

bool ShardPort::deliver_backlog() {
  bool has_delivered = false;
  for (std::size_t to = 0; to < backlog_.size() && kept_ > 0; ++to) {
    std::deque<ShardWork*>& letters = backlog_[to];
    bool has_sent = false;
    while (!letters.empty() && mail_.lane(own_, to).letters.push(letters.front())) {
      letters.pop_front();
      --kept_;
      has_sent = true;
    }
    if (has_sent) mail_.bells_[to]->ring();
    has_delivered |= has_sent;
  }
  return has_delivered;
}

bool ShardPort::poll() {
  bool worked = deliver_backlog();
  for (std::size_t from = 0; from < shards(); ++from) {
    ShardMail::Lane& lane = mail_.lane(from, own_);
    ShardWork* next = nullptr;
    for (std::size_t count = 0; count < kBatchMax && lane.letters.pop(next); ++count) {
      const std::unique_ptr<ShardWork> letter(next);
      (*letter)();
      worked = true;
    }
  }
  return worked;
}

bool ShardPort::prepare_park() {
  // Nobody tells when a full queue has room again; its reader is awake and empties it now.
  if (kept_ > 0) return false;
  // SYNC [shard-wake] Before the look: what is pushed from here on rings.
  mail_.bells_[own_]->is_asleep.exchange(true, std::memory_order_acq_rel);
  for (std::size_t from = 0; from < shards(); ++from) {
    if (mail_.lane(from, own_).letters.read_available() > 0) return false;
  }
  return true;
}

void ShardPort::unpark(LoopSlept) {
  mail_.bells_[own_]->is_asleep.store(false, std::memory_order_relaxed);
}

void ShardPort::on_ready(unsigned) {
  std::uint64_t rings = 0;
  telemetry::count_system_call();
  const ssize_t bytes = read(mail_.bells_[own_]->fd.get(), &rings, sizeof rings);
  MCPWIRE_CHECK(bytes == sizeof rings || errno == EAGAIN);
}

}  // namespace mcpwire::io
