// SPDX-License-Identifier: MIT
//
// HttpHost: the server on a TCP port of this machine. One thread around poll(2). An answer that is
// ready at once is JSON; one that takes its time, or says more than one thing, is a stream of
// events.
#pragma once

#include "protocol/base/result.hpp"
#include "protocol/base/unique_fd.hpp"
#include "tools/demo_server/http_endpoint.hpp"
#include "tools/demo_server/system_host.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace mcpwire::demo {

enum class HttpAnswers : std::uint8_t {
  kAsTheyCome,
  kStreams,  ///< Every answer is a stream of events.
};

class HttpHost final : public SystemHost {
 public:
  HttpHost(SessionOptions options, HttpAnswers answers);
  ~HttpHost();

  /// `place` is [HOST:]PORT; 0 is any port. HOST is an IPv4 address, 127.0.0.1 if it is left out.
  Result<void> listen(std::string_view place);
  /// Where it listens, as a URL.
  std::string url() const;
  /// Serves for ever; returns if that is impossible. The process's exit status.
  int run();

  [[noreturn]] void crash(std::string_view answers) noexcept override;

 private:
  class Connection;

  void accept_one();

  UniqueFd listener_;
  std::string address_;
  HttpEndpoint endpoint_;
  HttpAnswers answers_;
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace mcpwire::demo
