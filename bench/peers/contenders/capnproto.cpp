// SPDX-License-Identifier: MIT
//
// Cap'n Proto's two-party RPC over a Unix socket pair, its event loop on both sides. Streams are
// calls of a streaming method, whose flow control is the library's.
#include "bench/peers/contenders/capnproto_link.hpp"
#include "bench/peers/contenders/contenders.hpp"
#include "protocol/base/unique_fd.hpp"

#include <array>
#include <memory>

#include <sys/socket.h>

namespace mcpwire::peers {

namespace {

/// What the server has seen: messages come in order, and the first wrong one decides the run.
class Seen {
 public:
  explicit Seen(std::size_t payload_bytes) : payload_bytes_(payload_bytes) {}

  Verdict judge(const std::byte* from, std::size_t bytes) {
    const Verdict verdict =
        bytes == payload_bytes_ ? judge_payload(ByteSpan(from, bytes), next_) : Verdict::kWrong;
    if (verdict == Verdict::kStop) {
      stopped_ = true;
    } else {
      last_ = next_++;
    }
    all_right_ = all_right_ && verdict != Verdict::kWrong;
    return verdict;
  }

  /// The number of the last message; that of the stop when it has come.
  std::uint64_t last() const noexcept { return stopped_ ? kStop : last_; }
  std::uint64_t last_before_stop() const noexcept { return last_; }
  bool all_right() const noexcept { return all_right_ && stopped_; }

 private:
  std::size_t payload_bytes_;
  std::uint64_t next_ = 1;
  std::uint64_t last_ = 0;
  bool stopped_ = false;
  bool all_right_ = true;
};

class CapnProto final : public Contender {
 public:
  explicit CapnProto(const LaneSetup& setup) : payload_bytes_(setup.payload_bytes) {
    std::array<int, 2> ends{-1, -1};
    MCPWIRE_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    sockets_[0].reset(ends[0]);
    sockets_[1].reset(ends[1]);
  }

  bool open(Role role) override {
    socket_ = sockets_[index_of(role)].get();
    link_ = CapnProtoLink::create(socket_, payload_bytes_);
    if (role == Role::kCaller) link_->connect();
    return true;
  }

  bool ask(std::uint64_t sequence) override {
    Verdict verdict = Verdict::kWrong;
    link_->ask_blocking(writer(sequence), [&](const std::byte* from, std::size_t bytes) {
      if (bytes == payload_bytes_) {
        verdict = judge_payload(ByteSpan(from, bytes), sequence | kAnswerBit);
      }
    });
    return verdict == Verdict::kRight;
  }

  bool answer_all() override {
    Seen seen(payload_bytes_);
    const auto take = [&seen](const std::byte* from, std::size_t bytes) {
      static_cast<void>(seen.judge(from, bytes));
    };
    const auto answer = [&seen](std::byte* to, std::size_t bytes) {
      write_payload(MutableByteSpan(to, bytes), seen.last() | kAnswerBit);
    };
    link_->serve_blocking({take, answer, {}});
    return seen.all_right();
  }

  bool send_stream(StreamPlan& plan) override {
    std::uint64_t sequence = 0;
    do {
      link_->push_blocking(writer(++sequence));
    } while (plan.more_after(sequence));
    link_->push_blocking(writer(kStop));
    link_->finish_stream_blocking();
    return true;
  }

  bool receive_stream(StreamMeter& meter) override {
    Seen seen(payload_bytes_);
    const auto take = [&](const std::byte* from, std::size_t bytes) {
      const Verdict verdict = seen.judge(from, bytes);
      if (verdict == Verdict::kStop) meter.stop(seen.last_before_stop());
      if (verdict == Verdict::kRight) meter.message(seen.last());
    };
    link_->serve_blocking({{}, {}, take});
    return seen.all_right();
  }

  /// Not close(): the runner holds the socket, too.
  void hang_up() override { ::shutdown(socket_, SHUT_RDWR); }

 private:
  static CapnProtoLink::Write writer(std::uint64_t sequence) {
    return [sequence](std::byte* to, std::size_t bytes) {
      write_payload(MutableByteSpan(to, bytes), sequence);
    };
  }

  std::size_t payload_bytes_;
  std::array<UniqueFd, 2> sockets_;
  int socket_ = -1;
  std::unique_ptr<CapnProtoLink> link_;
};

}  // namespace

std::unique_ptr<Contender> make_capnproto(const LaneSetup& setup) {
  return std::make_unique<CapnProto>(setup);
}

}  // namespace mcpwire::peers
