// SPDX-License-Identifier: MIT
//
// nng's pair protocol, as in its own benchmark, with the queue lengths of that.
#include "bench/peers/contenders/contenders.hpp"
#include "bench/peers/spin.hpp"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

#include <string>

namespace mcpwire::peers {

namespace {

constexpr int kQueuedMessages = 128;

class Nng final : public Messages<Nng> {
 public:
  explicit Nng(const LaneSetup& setup)
      : payload_bytes_(setup.payload_bytes),
        flags_(setup.waiting == Waiting::kSpinning ? NNG_FLAG_NONBLOCK : 0),
        address_("ipc://" + setup.scratch_directory + "/nng") {}

  bool bind_peer() override {
    return make() && ::nng_listen(socket_, address_.c_str(), nullptr, 0) == 0;
  }

  bool open(Role role) override {
    if (role == Role::kPeer) return true;
    return make() && ::nng_dial(socket_, address_.c_str(), nullptr, 0) == 0;
  }

  template <class Write>
  bool put(Write write) {
    nng_msg* message = nullptr;
    if (::nng_msg_alloc(&message, payload_bytes_) != 0) return false;
    write(MutableByteSpan(static_cast<std::byte*>(::nng_msg_body(message)), payload_bytes_));
    Spin spin;
    for (;;) {
      const int failure = ::nng_sendmsg(socket_, message, flags_);
      if (failure == 0) return true;  // The message is nng's now.
      if (!may_retry(failure, spin)) break;
    }
    ::nng_msg_free(message);
    return false;
  }

  template <class Read>
  bool get(Read read) {
    nng_msg* message = nullptr;
    Spin spin;
    for (;;) {
      const int failure = ::nng_recvmsg(socket_, &message, flags_);
      if (failure == 0) break;
      if (!may_retry(failure, spin)) return false;
    }
    const bool right_size = ::nng_msg_len(message) == payload_bytes_;
    if (right_size) {
      read(ByteSpan(static_cast<const std::byte*>(::nng_msg_body(message)), payload_bytes_));
    }
    ::nng_msg_free(message);
    return right_size;
  }

 private:
  static bool may_retry(int failure, Spin& spin) noexcept {
    if (failure != NNG_EAGAIN && failure != NNG_EINTR) return false;
    spin.once();
    return true;
  }

  bool make() {
    return ::nng_pair0_open(&socket_) == 0 &&
           ::nng_socket_set_int(socket_, NNG_OPT_RECVBUF, kQueuedMessages) == 0 &&
           ::nng_socket_set_int(socket_, NNG_OPT_SENDBUF, kQueuedMessages) == 0;
  }

  std::size_t payload_bytes_;
  int flags_;
  std::string address_;
  nng_socket socket_{};
};

}  // namespace

std::unique_ptr<Contender> make_nng(const LaneSetup& setup) { return std::make_unique<Nng>(setup); }

}  // namespace mcpwire::peers
