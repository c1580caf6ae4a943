// SPDX-License-Identifier: MIT
//
// CurlSockets: drives one curl multi handle by our loop: its sockets become FdWatchers, its one
// timer a Timer. libcurl wants to be told as poll(2) tells (level triggered), so every watch is for
// one event and started anew after libcurl has done its part.
//
// Threading: the loop's thread.
// Invariants: libcurl is never entered from inside one of its own callbacks; destroyed after
// curl_multi_cleanup().
#pragma once

#include "io/fd_watcher.hpp"
#include "io/http/detail/curl_library.hpp"
#include "io/loop.hpp"
#include "protocol/base/check.hpp"

#include <memory>
#include <unordered_map>

namespace mcpwire::io::detail {

class CurlSockets final : private Timer, private Runnable {
 public:
  class Observer {
   public:
    /// libcurl was entered; curl_multi_info_read() may have news. May enter it again.
    virtual void on_progress() = 0;

   protected:
    ~Observer() = default;
  };

  /// Installs its callbacks in `multi`. All outlive it.
  CurlSockets(Loop& loop, const CurlLibrary& curl, CURLM* multi, Observer& observer);
  ~CurlSockets();

  /// Runs `use`, which may enter libcurl. Not from inside one of its callbacks.
  template <class Use>
  void enter(Use&& use) {
    MCPWIRE_CHECK(!is_inside_);
    is_inside_ = true;
    use();
    is_inside_ = false;
    observer_.on_progress();
  }
  bool is_inside() const noexcept { return is_inside_; }

 private:
  class Socket;

  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket);
  static int on_timer_change(CURLM* multi, long timeout_ms, void* self);
  void watch(curl_socket_t fd, int what);
  void set_timer(long timeout_ms);
  void act(curl_socket_t fd, int events);
  void on_timer() override { act(CURL_SOCKET_TIMEOUT, 0); }
  void run() override { act(CURL_SOCKET_TIMEOUT, 0); }

  Loop& loop_;
  const CurlLibrary& curl_;
  CURLM* multi_;
  Observer& observer_;
  std::unordered_map<curl_socket_t, std::unique_ptr<Socket>> sockets_;
  bool is_inside_ = false;
};

}  // namespace mcpwire::io::detail
