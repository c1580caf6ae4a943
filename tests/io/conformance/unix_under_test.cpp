// SPDX-License-Identifier: MIT
//
// UnixTransport with a real socket on a real loop; the server is the test.
#include "io/signal_watcher.hpp"
#include "tests/io/chosen_loop.hpp"
#include "tests/io/conformance/transport_under_test.hpp"
#include "tests/io/conformance/unix_transport.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace mcpwire::io {
namespace {

class UnixUnderTest final : public TransportUnderTest {
 public:
  explicit UnixUnderTest(const TransportLimits& limits)
      : loop_(create_chosen_loop().value()),
        listener_(listen()),
        transport_(*loop_, codec_, options(limits)) {}
  ~UnixUnderTest() override {
    ::unlink(path_.c_str());
    ::rmdir(directory_.c_str());
  }

  EventLoop& loop() override { return *loop_; }
  McpTransport& transport() override { return transport_; }
  void settle() override {
    for (int idle_turns = 0; idle_turns < 3;) {
      idle_turns = loop_->run_once(0) || move() ? 0 : idle_turns + 1;
    }
  }
  void pass(std::uint64_t ns) override {
    const std::uint64_t until_ns = loop_->now_ns() + ns;
    do {
      settle();
      loop_->run_once(1'000'000);
    } while (loop_->now_ns() < until_ns);
    settle();
  }

  std::vector<Sent> take_sent() override { return take_lines(arrived_); }
  void say(const Sent&, std::string_view message) override { say(message); }
  void say(std::string_view message) override { to_say_ += std::string(message) + "\n"; }
  void say_in_pieces(std::size_t bytes) override { piece_bytes_ = bytes; }
  void stop_reading() override { is_reading_ = false; }
  void read_on() override { is_reading_ = true; }
  void be_absent() override { listener_.reset(); }
  void cut() override {
    listener_.reset();
    peer_.reset();
  }
  bool is_rid_of_us() override {
    if (!peer_) return true;
    is_reading_ = true;
    while (read_some()) {
    }
    return has_ended_;
  }

 private:
  test::UnixTransportOptions options(const TransportLimits& limits) const {
    test::UnixTransportOptions options;
    options.path = path_;
    options.limits = limits;
    options.negotiation.pinned_era = protocol::mcp::Era::kLegacy;
    return options;
  }
  UniqueFd listen() {
    directory_ = "/tmp/mcpwire-unix.XXXXXX";
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    path_ = directory_ + "/s";
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd.get(), 8), 0);
    return fd;
  }

  /// The server's turn. False: nothing moved.
  bool move() {
    if (!peer_ && listener_) {
      peer_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    }
    if (!peer_) return false;
    const bool has_read = is_reading_ && read_some();
    return say_some() || has_read;
  }
  bool read_some() {
    std::array<char, 65536> piece;
    const ssize_t bytes = ::recv(peer_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    // What was said and not read makes of the end a reset.
    has_ended_ = bytes == 0 || (bytes < 0 && errno == ECONNRESET);
    if (bytes <= 0) return false;
    arrived_.append(piece.data(), static_cast<std::size_t>(bytes));
    return true;
  }
  bool say_some() {
    if (to_say_.empty()) return false;
    const std::size_t piece = std::min(to_say_.size(), piece_bytes_);
    const ssize_t bytes = ::send(peer_.get(), to_say_.data(), piece, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (bytes <= 0) return false;
    to_say_.erase(0, static_cast<std::size_t>(bytes));
    return true;
  }

  std::unique_ptr<Loop> loop_;
  std::string directory_;
  std::string path_;
  UniqueFd listener_;
  UniqueFd peer_;
  RpcCodec codec_;
  test::UnixTransport transport_;
  std::string arrived_;
  std::string to_say_;
  std::size_t piece_bytes_ = std::string::npos;
  bool is_reading_ = true;
  bool has_ended_ = false;
};

}  // namespace

std::unique_ptr<TransportUnderTest> unix_under_test(const TransportLimits& limits) {
  ignore_write_signals();
  return std::make_unique<UnixUnderTest>(limits);
}

}  // namespace mcpwire::io
