// SPDX-License-Identifier: MIT
//
// HttpServerProcess: the demo server over HTTP, as a process of our own that ends with this object.
//
// Threading: one thread; start() waits until the server listens.
#pragma once

#include "protocol/base/result.hpp"

#include <sys/types.h>

#include <string>
#include <utility>

namespace mcpwire::bench_tool {

class HttpServerProcess {
 public:
  static Result<HttpServerProcess> start();
  HttpServerProcess(HttpServerProcess&& other) noexcept
      : url_(std::move(other.url_)), process_id_(std::exchange(other.process_id_, -1)) {}
  HttpServerProcess& operator=(HttpServerProcess&&) = delete;
  ~HttpServerProcess();

  const std::string& url() const noexcept { return url_; }
  pid_t process_id() const noexcept { return process_id_; }

 private:
  HttpServerProcess() = default;
  std::string url_;
  pid_t process_id_ = -1;
};

}  // namespace mcpwire::bench_tool
