// SPDX-License-Identifier: MIT
//
// The sockets of ZeroMQ's own benchmarks: REQ and REP for latency, PUSH and PULL for throughput.
#include "bench/peers/contenders/contenders.hpp"
#include "bench/peers/spin.hpp"

#include <zmq.h>

#include <cerrno>
#include <string>

namespace mcpwire::peers {

namespace {

class ZeroMq final : public Messages<ZeroMq> {
 public:
  explicit ZeroMq(const LaneSetup& setup)
      : payload_bytes_(setup.payload_bytes),
        flags_(setup.waiting == Waiting::kSpinning ? ZMQ_DONTWAIT : 0),
        streams_(setup.traffic == Traffic::kStream),
        address_("ipc://" + setup.scratch_directory + "/zeromq") {}

  bool bind_peer() override {
    return make(streams_ ? ZMQ_PULL : ZMQ_REP) && ::zmq_bind(socket_, address_.c_str()) == 0;
  }

  bool open(Role role) override {
    if (role == Role::kPeer) return true;
    return make(streams_ ? ZMQ_PUSH : ZMQ_REQ) && ::zmq_connect(socket_, address_.c_str()) == 0;
  }

  template <class Write>
  bool put(Write write) {
    zmq_msg_t message;
    if (::zmq_msg_init_size(&message, payload_bytes_) != 0) return false;
    write(MutableByteSpan(static_cast<std::byte*>(::zmq_msg_data(&message)), payload_bytes_));
    Spin spin;
    while (::zmq_msg_send(&message, socket_, flags_) < 0) {
      if (!may_retry(spin)) return false;
    }
    return true;
  }

  template <class Read>
  bool get(Read read) {
    zmq_msg_t message;
    ::zmq_msg_init(&message);
    Spin spin;
    while (::zmq_msg_recv(&message, socket_, flags_) < 0) {
      if (!may_retry(spin)) return false;
    }
    const bool right_size = ::zmq_msg_size(&message) == payload_bytes_;
    if (right_size) {
      read(ByteSpan(static_cast<const std::byte*>(::zmq_msg_data(&message)), payload_bytes_));
    }
    ::zmq_msg_close(&message);
    return right_size;
  }

 private:
  static bool may_retry(Spin& spin) noexcept {
    if (::zmq_errno() != EAGAIN && ::zmq_errno() != EINTR) return false;
    spin.once();
    return true;
  }

  bool make(int type) {
    // Neither is closed: the process ends with the run.
    void* context = ::zmq_ctx_new();
    socket_ = context == nullptr ? nullptr : ::zmq_socket(context, type);
    return socket_ != nullptr;
  }

  std::size_t payload_bytes_;
  int flags_;
  bool streams_;
  std::string address_;
  void* socket_ = nullptr;
};

}  // namespace

std::unique_ptr<Contender> make_zeromq(const LaneSetup& setup) {
  return std::make_unique<ZeroMq>(setup);
}

}  // namespace mcpwire::peers
