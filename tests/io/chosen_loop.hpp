// SPDX-License-Identifier: MIT
//
// A loop on the backend that MCPWIRE_IO_BACKEND names: how tests that are no LoopFixture run on
// both (the second time by BOTH_BACKENDS, cmake/Targets.cmake).
#pragma once

#include "io/backend_kind.hpp"
#include "io/loop.hpp"

#include <cstdlib>
#include <memory>

namespace mcpwire::io {

inline Result<std::unique_ptr<Loop>> create_chosen_loop() {
  const char* name = std::getenv(kIoBackendVariable);
  LoopOptions options;
  options.backend = TRY(parse_backend_kind(name != nullptr ? name : "io_uring"));
  return Loop::create(options);
}

}  // namespace mcpwire::io
