// SPDX-License-Identifier: MIT
#include "protocol/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace mcpwire {

void check_failed(const char* expression, std::source_location where) noexcept {
  std::fprintf(stderr, "mcpwire: check failed: %s at %s:%u in %s\n", expression, where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::abort();
}

}  // namespace mcpwire
