// SPDX-License-Identifier: MIT
#include "io/seqpacket_listener.hpp"

#include "io/detail/io_backend.hpp"
#include "protocol/base/check.hpp"
#include "ring/runtime_directory.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mcpwire::io {
namespace {

constexpr int kBacklog = 1024;

bool is_own_user(int socket) {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 && peer.uid == geteuid();
}

UniqueFd open_spare() { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool is_out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// The client went away between its connect() and our accept().
bool is_clients_fault(int error) {
  return error == ECONNABORTED || error == EINTR || error == EAGAIN || error == EPROTO;
}

Error socket_error(const char* call) {
  return Error::from_errno(ErrorKind::kConfiguration, errno, call);
}

}  // namespace

Result<UniqueFd> create_listening_socket(const std::string& path) {
  if (path.size() > ring::kSocketPathBytesMax) {
    return fail(ErrorKind::kConfiguration, ErrorCode::kRuntimePathTooLong,
                "the socket path has " + std::to_string(path.size()) + " bytes, at most " +
                    std::to_string(ring::kSocketPathBytesMax) + " are possible: " + path);
  }
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail(socket_error("socket"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail(socket_error("unlink"));
  const mode_t before = umask(077);
  const int bound = bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_errno = errno;
  umask(before);
  if (bound != 0) return fail(Error::from_errno(ErrorKind::kConfiguration, bind_errno, path));
  if (listen(socket.get(), kBacklog) != 0) return fail(socket_error("listen"));
  return socket;
}

class SeqpacketListener::Accepting final : public detail::Op, private Timer {
 public:
  Accepting(Loop& loop, UniqueFd socket, Observer& observer)
      : Op(loop.backend()),
        loop_(loop),
        socket_(std::move(socket)),
        spare_(open_spare()),
        observer_(&observer) {
    backend().adopt(socket_.get());
  }

  void start() {
    if (!is_in_flight() && !is_armed()) backend().accept(*this, socket_.get());
  }
  std::uint64_t refused() const noexcept { return refused_; }
  std::uint64_t shed() const noexcept { return shed_; }

 private:
  void on_complete(int result, unsigned flags) override;
  void on_connection(UniqueFd socket);
  void on_out_of_descriptors();
  void on_timer() override { start(); }
  void on_buried() noexcept override {
    observer_ = nullptr;
    loop_.disarm(*this);
  }

  Loop& loop_;
  UniqueFd socket_;
  UniqueFd spare_;
  Observer* observer_;
  std::uint64_t refused_ = 0;
  std::uint64_t shed_ = 0;
};

void SeqpacketListener::Accepting::on_complete(int result, unsigned /*flags*/) {
  if (result >= 0) {
    on_connection(UniqueFd(result));
    if (observer_ != nullptr) start();
    return;
  }
  if (observer_ == nullptr || is_in_flight()) return;
  if (is_out_of_descriptors(-result)) {
    on_out_of_descriptors();
  } else if (is_clients_fault(-result)) {
    start();
  } else {
    observer_->on_listener_failed(Error::from_errno(ErrorKind::kInternal, -result, "accept"));
  }
}

void SeqpacketListener::Accepting::on_connection(UniqueFd socket) {
  if (observer_ == nullptr) return;
  if (!is_own_user(socket.get())) {
    ++refused_;
    return;
  }
  observer_->on_connection(std::move(socket));
}

void SeqpacketListener::Accepting::on_out_of_descriptors() {
  spare_.reset();
  UniqueFd dropped(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const bool is_first = dropped && ++shed_ == 1;
  loop_.arm(*this, loop_.now_ns() + kPauseNs);
  // Closed before the spare is taken again: its number is the one that the spare needs.
  dropped.reset();
  spare_ = open_spare();
  if (is_first) observer_->on_out_of_descriptors();  // May destroy us.
}

SeqpacketListener::SeqpacketListener(Loop& loop, UniqueFd socket, Observer& observer)
    : accepting_(new Accepting(loop, std::move(socket), observer)) {}

SeqpacketListener::~SeqpacketListener() = default;

void SeqpacketListener::start() {
  MCPWIRE_CHECK(accepting_ != nullptr);
  accepting_->start();
}

void SeqpacketListener::close() noexcept { accepting_.reset(); }

std::uint64_t SeqpacketListener::refused() const noexcept {
  return accepting_ == nullptr ? 0 : accepting_->refused();
}

std::uint64_t SeqpacketListener::shed() const noexcept {
  return accepting_ == nullptr ? 0 : accepting_->shed();
}

}  // namespace mcpwire::io
