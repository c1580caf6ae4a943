// SPDX-License-Identifier: MIT
//
// CapnProtoLink: the part of the Cap'n Proto contender that sees its headers. They are C++17 (with
// clang, comparisons in them are ill-formed from C++20 on), so this header is, too.
// Threading: one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace mcpwire::peers {

class CapnProtoLink {
 public:
  using Write = std::function<void(std::byte* to, std::size_t bytes)>;
  using Read = std::function<void(const std::byte* from, std::size_t bytes)>;

  /// What a server does with the calls it gets.
  struct Handlers {
    Read request;  ///< The payload of a call,
    Write answer;  ///< and then what it is answered with.
    Read pushed;   ///< One message of a stream.
  };

  /// Takes part over a Unix socket that outlives the link.
  static std::unique_ptr<CapnProtoLink> create(int socket_fd, std::size_t payload_bytes);
  virtual ~CapnProtoLink() = default;

  /// Serves until the other end hangs up.
  virtual void serve_blocking(const Handlers& handlers) = 0;

  virtual void connect() = 0;
  virtual void ask_blocking(const Write& request, const Read& answer) = 0;
  virtual void push_blocking(const Write& message) = 0;
  /// Until all that was pushed has been taken.
  virtual void finish_stream_blocking() = 0;
};

}  // namespace mcpwire::peers
