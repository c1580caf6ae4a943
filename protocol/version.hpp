// SPDX-License-Identifier: MIT
//
// The version of this build, as hello and status report it. Set by CMake from project(VERSION).
#pragma once

#include <string_view>

#ifndef MCPWIRE_VERSION
#error "MCPWIRE_VERSION is defined by CMake"
#endif

namespace mcpwire {

inline constexpr std::string_view kVersion = MCPWIRE_VERSION;

}  // namespace mcpwire
