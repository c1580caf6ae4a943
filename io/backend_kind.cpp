// SPDX-License-Identifier: MIT
#include "io/backend_kind.hpp"

#include <string>

namespace mcpwire::io {

Result<BackendKind> parse_backend_kind(std::string_view text) {
  if (text.empty() || text == "auto") return BackendKind::kAutomatic;
  if (text == "io_uring") return BackendKind::kUring;
  if (text == "epoll") return BackendKind::kEpoll;
  return fail(ErrorKind::kConfiguration, ErrorCode::kConfigInvalid,
              std::string(kIoBackendVariable) +
                  " must be \"auto\", \"io_uring\" or \"epoll\", not \"" + std::string(text) +
                  "\"");
}

}  // namespace mcpwire::io
