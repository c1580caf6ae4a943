// SPDX-License-Identifier: MIT
//
// Sends any bytes as messages over a control socket and holds what recv_frame() and take_doorbell()
// make of each to the rules of FRAME.md. Input: messages, each behind its length (u16).
#include "protocol/base/check.hpp"
#include "protocol/base/unique_fd.hpp"
#include "ring/control_socket.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace {

using namespace mcpwire;

constexpr int kMessagesMax = 8;

std::pair<int, int> make_socket_pair() {
  std::array<int, 2> ends{};
  MCPWIRE_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {ends[0], ends[1]};
}

/// Said in the words of FRAME.md and not by the code under test.
bool is_good(std::string_view message) {
  if (message.size() < 32 || message.size() > 65'536) return false;
  std::array<std::uint32_t, 6> words;
  std::memcpy(words.data(), message.data(), sizeof words);
  const std::uint32_t kind = words[2] & 0xf;
  const std::uint32_t outcome = words[2] >> 8 & 0xf;
  const bool is_answer = kind == 2 || kind == 4;
  return message.substr(0, 4) == "MCPW" && words[1] == 1 && (words[2] & 0xffff'f0c0U) == 0 &&
         kind >= 1 && kind <= 4 && words[3] >= 1 && words[3] <= 13 && outcome <= 6 &&
         (is_answer || outcome == 0) && words[4] == message.size() - 32 &&
         ((words[2] & 0x20) == 0 || words[4] == 24) && words[5] == 0;
}

void check_received(std::string_view message, int socket) {
  static std::array<std::byte, protocol::kSocketFrameBytesMax> buffer;
  const auto frame = ring::recv_frame(socket, buffer);
  MCPWIRE_CHECK(frame.has_value() == is_good(message));
  if (!frame) return;
  MCPWIRE_CHECK(frame->has_value());
  MCPWIRE_CHECK(!(*frame)->attached);
  MCPWIRE_CHECK(as_text((*frame)->payload) == message.substr(32));
  MCPWIRE_CHECK(as_text(object_bytes((*frame)->header)) == message.substr(0, 32));
}

void try_message(std::string_view message) {
  static const std::pair<int, int> kSocket = make_socket_pair();
  if (message.empty()) return;  // Reads as the end of file.
  if (::send(kSocket.first, message.data(), message.size(), MSG_DONTWAIT) < 0) return;
  const bool is_doorbell = message.size() == 32 && is_good(message) && message[8] == 3 &&
                           message[9] == 0 && message[12] == 9;
  switch (ring::take_doorbell(kSocket.second)) {
    case ring::SocketState::kDoorbell:
      MCPWIRE_CHECK(is_doorbell);
      break;
    case ring::SocketState::kFrame:
      MCPWIRE_CHECK(!is_doorbell);
      check_received(message, kSocket.second);
      break;
    case ring::SocketState::kQuiet:
    case ring::SocketState::kClosed:
      MCPWIRE_CHECK(false);
  }
  MCPWIRE_CHECK(ring::take_doorbell(kSocket.second) == ring::SocketState::kQuiet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(static_cast<const char*>(static_cast<const void*>(data)), size);
  for (int i = 0; i < kMessagesMax && input.size() > 2; ++i) {
    std::uint16_t bytes = 0;
    std::memcpy(&bytes, input.data(), sizeof bytes);
    input.remove_prefix(sizeof bytes);
    try_message(input.substr(0, bytes));
    input.remove_prefix(std::min<std::size_t>(bytes, input.size()));
  }
  return 0;
}
