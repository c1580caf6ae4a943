// SPDX-License-Identifier: MIT
#include "io/http/detail/curl_sockets.hpp"

#include <poll.h>

namespace mcpwire::io::detail {

/// One socket of libcurl's: a watch for each direction, because a watch waits for one.
class CurlSockets::Socket {
 public:
  Socket(CurlSockets& owner, curl_socket_t fd)
      : read_(owner, fd, WatchFor::kReadable), write_(owner, fd, WatchFor::kWritable) {}

  void want(int what) {
    read_.want((what & CURL_POLL_IN) != 0);
    write_.want((what & CURL_POLL_OUT) != 0);
  }
  void watch_again() {
    read_.watch_again();
    write_.watch_again();
  }

 private:
  class Direction final : private FdWatcher::Observer {
   public:
    Direction(CurlSockets& owner, curl_socket_t fd, WatchFor what)
        : owner_(owner), watcher_(owner.loop_, fd, as_observer()), fd_(fd), what_(what) {}

    void want(bool wanted) {
      wanted_ = wanted;
      if (!wanted) watcher_.stop();
      watch_again();
    }
    void watch_again() {
      if (wanted_) watcher_.start(WatchMode::kOnce, what_);
    }

   private:
    FdWatcher::Observer& as_observer() noexcept { return *this; }

    void on_ready(unsigned events) override {
      int told = 0;
      if ((events & (POLLIN | POLLHUP)) != 0) told |= CURL_CSELECT_IN;
      if ((events & POLLOUT) != 0) told |= CURL_CSELECT_OUT;
      if ((events & (POLLERR | POLLNVAL)) != 0) told |= CURL_CSELECT_ERR;
      // This socket may be gone afterwards.
      owner_.act(fd_, told);
    }

    CurlSockets& owner_;
    FdWatcher watcher_;
    curl_socket_t fd_;
    WatchFor what_;
    bool wanted_ = false;
  };

  Direction read_;
  Direction write_;
};

CurlSockets::CurlSockets(Loop& loop, const CurlLibrary& curl, CURLM* multi, Observer& observer)
    : loop_(loop), curl_(curl), multi_(multi), observer_(observer) {
  curl_.multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlSockets::on_socket);
  curl_.multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_.multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlSockets::on_timer_change);
  curl_.multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

CurlSockets::~CurlSockets() { MCPWIRE_CHECK(!is_inside_); }

int CurlSockets::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  static_cast<CurlSockets*>(self)->watch(fd, what);
  return 0;
}

int CurlSockets::on_timer_change(CURLM*, long timeout_ms, void* self) {
  static_cast<CurlSockets*>(self)->set_timer(timeout_ms);
  return 0;
}

void CurlSockets::watch(curl_socket_t fd, int what) {
  if (what == CURL_POLL_REMOVE) {
    // A watch in flight is buried: it is of the old file, whatever gets this number next.
    sockets_.erase(fd);
    return;
  }
  std::unique_ptr<Socket>& socket = sockets_[fd];
  if (socket == nullptr) socket = std::make_unique<Socket>(*this, fd);
  socket->want(what);
}

void CurlSockets::set_timer(long timeout_ms) {
  loop_.disarm(*this);
  Runnable::unlink();
  if (timeout_ms == 0) {
    loop_.post(*this);
  } else if (timeout_ms > 0) {
    const auto timeout_ns = static_cast<std::uint64_t>(timeout_ms) * kNanosecondsPerMillisecond;
    loop_.arm(*this, loop_.now_ns() + timeout_ns);
  }
}

void CurlSockets::act(curl_socket_t fd, int events) {
  enter([&] {
    int running = 0;
    curl_.multi_socket_action(multi_, fd, events, &running);
    const auto socket = sockets_.find(fd);
    if (socket != sockets_.end()) socket->second->watch_again();
  });
}

}  // namespace mcpwire::io::detail
