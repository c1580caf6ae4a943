// SPDX-License-Identifier: MIT
#include "tests/io/conformance/transport_under_test.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace mcpwire::io {

Sent TransportUnderTest::read(std::string text, std::size_t way) {
  Sent sent;
  const Result<protocol::json::Envelope> message = envelopes_.parse(text);
  EXPECT_TRUE(message.has_value()) << text;
  if (message.has_value()) {
    sent.id = message->id;
    sent.method = message->method;
    sent.params = message->params;
  }
  sent.text = std::move(text);
  sent.way = way;
  return sent;
}

std::vector<Sent> TransportUnderTest::take_lines(std::string& arrived) {
  std::vector<Sent> sent;
  std::size_t begin = 0;
  for (std::size_t end = arrived.find('\n'); end != std::string::npos;
       end = arrived.find('\n', begin)) {
    sent.push_back(read(arrived.substr(begin, end - begin)));
    begin = end + 1;
  }
  arrived.erase(0, begin);
  return sent;
}

}  // namespace mcpwire::io
