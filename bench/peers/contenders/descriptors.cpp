// SPDX-License-Identifier: MIT
//
// Pipes and Unix sockets, with blocking calls, or with calls that do not block, again and again.
#include "bench/peers/contenders/contenders.hpp"
#include "bench/peers/spin.hpp"
#include "protocol/base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mcpwire::peers {

namespace {

/// What a program reads at a time from a stream of bytes: several messages, if they are there.
constexpr std::size_t kReadBytes = 64 * 1024;

enum class Boundaries { kNone, kKept };

class Descriptors final : public Messages<Descriptors> {
 public:
  /// `ends[role]` are what that role reads from and writes to.
  struct End {
    UniqueFd read;
    UniqueFd write;
  };

  Descriptors(const LaneSetup& setup, Boundaries boundaries, std::array<End, 2> ends)
      : ends_(std::move(ends)),
        payload_bytes_(setup.payload_bytes),
        boundaries_(boundaries),
        outgoing_(setup.payload_bytes),
        incoming_(std::max<std::size_t>(kReadBytes, 2 * std::size_t{setup.payload_bytes})) {
    if (setup.waiting != Waiting::kSpinning) return;
    for (const End& end : ends_) {
      ::fcntl(end.read.get(), F_SETFL, O_NONBLOCK);
      ::fcntl(end.write.get(), F_SETFL, O_NONBLOCK);
    }
  }

  bool open(Role role) override {
    read_fd_ = ends_[index_of(role)].read.get();
    write_fd_ = ends_[index_of(role)].write.get();
    return true;
  }

  template <class Write>
  bool put(Write write) {
    write(MutableByteSpan(outgoing_));
    Spin spin;
    for (std::size_t done = 0; done < outgoing_.size();) {
      const ssize_t sent = ::write(write_fd_, outgoing_.data() + done, outgoing_.size() - done);
      if (sent >= 0) {
        done += static_cast<std::size_t>(sent);
      } else if (!may_retry(spin)) {
        return false;
      }
    }
    return true;
  }

  template <class Read>
  bool get(Read read) {
    if (!ensure_message()) return false;
    read(ByteSpan(incoming_.data() + begin_, payload_bytes_));
    begin_ += payload_bytes_;
    return true;
  }

 private:
  static bool may_retry(Spin& spin) noexcept {
    if (errno != EAGAIN && errno != EINTR) return false;
    spin.once();
    return true;
  }

  bool ensure_message() {
    if (begin_ == end_) begin_ = end_ = 0;
    Spin spin;
    while (end_ - begin_ < payload_bytes_) {
      if (incoming_.size() - begin_ < payload_bytes_) move_to_front();
      const ssize_t got = ::read(read_fd_, incoming_.data() + end_, incoming_.size() - end_);
      if (got > 0) {
        end_ += static_cast<std::size_t>(got);
        if (boundaries_ == Boundaries::kKept && end_ != payload_bytes_) return false;
      } else if (got == 0 || !may_retry(spin)) {
        return false;
      }
    }
    return true;
  }

  void move_to_front() noexcept {
    std::copy(incoming_.begin() + static_cast<std::ptrdiff_t>(begin_),
              incoming_.begin() + static_cast<std::ptrdiff_t>(end_), incoming_.begin());
    end_ -= begin_;
    begin_ = 0;
  }

  std::array<End, 2> ends_;
  std::size_t payload_bytes_;
  Boundaries boundaries_;
  std::vector<std::byte> outgoing_;
  std::vector<std::byte> incoming_;
  std::size_t begin_ = 0;  ///< Unread bytes of incoming_ are from here
  std::size_t end_ = 0;    ///< to here.
  int read_fd_ = -1;
  int write_fd_ = -1;
};

std::unique_ptr<Contender> make_socket(const LaneSetup& setup, int type, Boundaries boundaries) {
  std::array<int, 2> fds{-1, -1};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds.data()) != 0) return nullptr;
  std::array<Descriptors::End, 2> ends;
  for (std::size_t i = 0; i < 2; ++i) {
    ends[i].read.reset(fds[i]);
    ends[i].write.reset(::fcntl(fds[i], F_DUPFD_CLOEXEC, 0));
  }
  return std::make_unique<Descriptors>(setup, boundaries, std::move(ends));
}

}  // namespace

std::unique_ptr<Contender> make_pipe(const LaneSetup& setup) {
  std::array<Descriptors::End, 2> ends;
  for (std::size_t i = 0; i < 2; ++i) {
    std::array<int, 2> fds{-1, -1};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) return nullptr;
    ends[i].read.reset(fds[0]);
    ends[1 - i].write.reset(fds[1]);
  }
  return std::make_unique<Descriptors>(setup, Boundaries::kNone, std::move(ends));
}

std::unique_ptr<Contender> make_unix_stream(const LaneSetup& setup) {
  return make_socket(setup, SOCK_STREAM, Boundaries::kNone);
}

std::unique_ptr<Contender> make_unix_seqpacket(const LaneSetup& setup) {
  return make_socket(setup, SOCK_SEQPACKET, Boundaries::kKept);
}

}  // namespace mcpwire::peers
