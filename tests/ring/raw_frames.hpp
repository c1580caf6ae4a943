// SPDX-License-Identifier: MIT
//
// Messages on a control socket as no correct peer of ours sends them: any bytes, any number of
// descriptors.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace mcpwire::ring {

/// One message. `fds` go along as one SCM_RIGHTS part.
inline void send_raw(int socket_fd, std::string bytes, const std::vector<int>& fds = {}) {
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<cmsghdr> control(1 + CMSG_SPACE(fds.size() * sizeof(int)) / sizeof(cmsghdr));
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  ASSERT_EQ(::sendmsg(socket_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT),
            static_cast<ssize_t>(bytes.size()));
}

}  // namespace mcpwire::ring
