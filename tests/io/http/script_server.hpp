// SPDX-License-Identifier: MIT
//
// ScriptServer: an HTTP server of a test that says exactly the bytes it is told to, and no others.
// Every connection runs the script on a thread of its own, in the order in which it was accepted.
//
// Threading: create and destroy it on the test's thread; the script runs on its own threads.
#pragma once

#include "protocol/base/unique_fd.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mcpwire::io {

/// One request as it arrived.
struct ScriptRequest {
  std::string head;  ///< Up to the blank line; empty: the peer was gone.
  std::string body;

  explicit operator bool() const noexcept { return !head.empty(); }
  bool is(std::string_view start) const { return head.starts_with(start); }
  /// The value of a header; "(none)" if it is not there.
  std::string header(std::string_view name) const {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    std::string_view rest = head;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find("\r\n"));
      rest.remove_prefix(std::min(rest.size(), line.size() + 2));
      const bool is_it = line.size() > name.size() && line[name.size()] == ':' &&
                         std::ranges::equal(line.substr(0, name.size()), name, {}, lower, lower);
      if (!is_it) continue;
      std::string_view value = line.substr(name.size() + 1);
      if (value.starts_with(' ')) value.remove_prefix(1);
      return std::string(value);
    }
    return "(none)";
  }
};

class ScriptConnection {
 public:
  ScriptConnection(int fd, int index) noexcept : fd_(fd), index_(index) {}

  /// How many were accepted before it.
  int index() const noexcept { return index_; }

  /// The next request with a Content-Length body.
  ScriptRequest read_request() {
    ScriptRequest request;
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      // A TLS client waits for a greeting of that kind.
      if (!fill() || buffer_.front() == '\x16') return {};
    }
    const std::size_t end = buffer_.find("\r\n\r\n");
    request.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    const auto length =
        static_cast<std::size_t>(std::atoll(request.header("Content-Length").c_str()));
    while (buffer_.size() < length) {
      if (!fill()) return {};
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
  }

  /// False: the peer does not read any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool answer(int status, std::string_view type, std::string_view body,
              std::string_view headers = {}) {
    std::string text = "HTTP/1.1 " + std::to_string(status) +
                       " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    if (!type.empty()) text += "Content-Type: " + std::string(type) + "\r\n";
    return send(text + std::string(headers) + "\r\n" + std::string(body));
  }
  bool json(std::string_view body) { return answer(200, "application/json", body); }
  /// The head of a stream that ends with the connection.
  bool stream() {
    return send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
  }
  /// send() gives up once the peer has taken nothing for so long.
  void limit_patience(std::uint64_t microseconds) {
    const timeval time{0, static_cast<suseconds_t>(microseconds)};
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  }
  /// Sends a reset in place of an end.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  /// Returns when the peer has closed the connection.
  void wait_for_end() {
    while (fill()) buffer_.clear();
  }

 private:
  bool fill() {
    char bytes[16384];
    const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  int fd_;
  int index_;
  std::string buffer_;
};

class ScriptServer {
 public:
  using Script = std::function<void(ScriptConnection&)>;

  explicit ScriptServer(Script script) : script_(std::move(script)), listener_(listen_anywhere()) {
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~ScriptServer() {
    stop_listening();
    accepting_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const Peer& peer : peers_) {
        if (!peer.is_over) ::shutdown(peer.fd.get(), SHUT_RDWR);
      }
    }
    for (Peer& peer : peers_) peer.thread.join();
  }

  std::string url(std::string_view path = "/mcp") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }
  int port() const noexcept { return port_; }
  /// Refuses connections from now on. May be called by the script.
  void stop_listening() const noexcept { ::shutdown(listener_.get(), SHUT_RDWR); }
  int accepted() const noexcept { return accepted_.load(); }
  /// Connections that are closed again.
  int closed() const noexcept { return closed_.load(); }

 private:
  struct Peer {
    UniqueFd fd;
    std::thread thread;
    bool is_over = false;
  };

  UniqueFd listen_anywhere() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(fd.get(), raw, sizeof address), 0);
    EXPECT_EQ(::listen(fd.get(), 64), 0);
    EXPECT_EQ(::getsockname(fd.get(), raw, &bytes), 0);
    port_ = ntohs(address.sin_port);
    return fd;
  }

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      Peer& peer = peers_.emplace_back(Peer{UniqueFd(fd), {}});
      const int index = accepted_.fetch_add(1);
      peer.thread = std::thread([this, &peer, fd, index] {
        ScriptConnection connection(fd, index);
        script_(connection);
        const std::lock_guard closing(mutex_);
        peer.is_over = true;
        peer.fd.reset();
        ++closed_;
      });
    }
  }

  Script script_;
  int port_ = 0;
  UniqueFd listener_;
  std::mutex mutex_;
  std::list<Peer> peers_;
  std::atomic<int> accepted_{0};
  std::atomic<int> closed_{0};
  std::thread accepting_;
};

}  // namespace mcpwire::io
