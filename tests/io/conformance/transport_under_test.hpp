// SPDX-License-Identifier: MIT
//
// TransportUnderTest: one kind of transport with a server of the test's making at its other end.
// What the conformance tests say of every McpTransport they say through this; a new kind is held to
// all of it by one class and one line of kTransports.
//
// Threading: one thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/transport_limits.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/json/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

/// A message of the transport's, as its server gets it.
struct Sent {
  std::string text;
  std::string id;      ///< The raw token; empty for a notification.
  std::string method;  ///< Empty for an answer.
  std::string params;
  std::size_t way = 0;  ///< What it came on: for whoever answers.
};

class TransportUnderTest {
 public:
  virtual ~TransportUnderTest() = default;

  virtual EventLoop& loop() = 0;
  /// Legacy and not open.
  virtual McpTransport& transport() = 0;
  /// Runs until nothing more happens by itself.
  virtual void settle() = 0;
  /// Lets time pass: at least that much, or to the next thing that happens.
  virtual void pass(std::uint64_t ns) = 0;

  // The server's side.

  /// What has arrived and was not taken yet, in order.
  virtual std::vector<Sent> take_sent() = 0;
  /// Says this on account of a request: its answer, or what belongs to it.
  virtual void say(const Sent& about, std::string_view message) = 0;
  /// Says this unasked.
  virtual void say(std::string_view message) = 0;
  /// From here on what it says comes in pieces of so many bytes.
  virtual void say_in_pieces(std::size_t bytes) = 0;
  /// It takes nothing more, until it reads on.
  virtual void stop_reading() = 0;
  virtual void read_on() = 0;
  /// There is no server to open.
  virtual void be_absent() = 0;
  /// The server is gone in the middle of everything.
  virtual void cut() = 0;
  /// Nothing of the conversation is left on its side: no process, no socket, no request.
  virtual bool is_rid_of_us() = 0;

  /// Reads a message of the transport's.
  Sent read(std::string text, std::size_t way = 0);
  /// Takes the complete lines out of what arrived.
  std::vector<Sent> take_lines(std::string& arrived);

 private:
  protocol::json::EnvelopeParser envelopes_;
};

/// One kind of transport, for the tests' parameter.
struct TransportUnderTestKind {
  const char* name;
  std::unique_ptr<TransportUnderTest> (*create)(const TransportLimits& limits);
};

inline void PrintTo(const TransportUnderTestKind& kind, std::ostream* out) { *out << kind.name; }

std::unique_ptr<TransportUnderTest> stdio_under_test(const TransportLimits& limits);
std::unique_ptr<TransportUnderTest> http_under_test(const TransportLimits& limits);
std::unique_ptr<TransportUnderTest> unix_under_test(const TransportLimits& limits);

/// A new kind is one line more.
inline constexpr TransportUnderTestKind kTransports[] = {
    {"Stdio", stdio_under_test},
    {"StreamableHttp", http_under_test},
    {"UnixSocket", unix_under_test},
};

}  // namespace mcpwire::io
