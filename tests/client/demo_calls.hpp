// SPDX-License-Identifier: MIT
//
// Connections to a daemon of the test's own, and calls of its server "demo".
#pragma once

#include "client/connection.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace mcpwire::client {

/// Nobody starts a daemon, and none is waited for beyond a deadline.
inline ConnectOptions options_for(const std::string& runtime_directory) {
  ConnectOptions options;
  options.runtime_directory = runtime_directory;
  options.auto_start = AutoStart::kNo;
  options.deadline_grace_ns = 0;
  return options;
}

inline Connection connect_with(const ConnectOptions& options) {
  auto connection = Connection::connect(options);
  if (!connection) ADD_FAILURE() << connection.error().message();
  return std::move(connection).value();
}

inline CallRequest demo_call(std::string_view tool, std::string_view arguments = "{}") {
  CallRequest request;
  request.server = "demo";
  request.tool = tool;
  request.arguments_json = arguments;
  return request;
}

}  // namespace mcpwire::client
