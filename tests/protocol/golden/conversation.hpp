// SPDX-License-Identifier: MIT
//
// Reads the frozen conversations of this folder.
#pragma once

#include "protocol/base/check.hpp"

#include <fstream>
#include <map>
#include <string>
#include <string_view>

namespace mcpwire::protocol::golden {

/// Name to bytes, of a file of this folder.
inline std::map<std::string, std::string, std::less<>> read_conversation(const std::string& path) {
  std::ifstream file(path);
  MCPWIRE_CHECK(file.is_open());
  std::map<std::string, std::string, std::less<>> all;
  std::string* bytes = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() != ' ') {
      MCPWIRE_CHECK(line.back() == ':');
      bytes = &all[line.substr(0, line.size() - 1)];
      continue;
    }
    MCPWIRE_CHECK(bytes != nullptr);
    for (std::size_t at = 2; at + 1 < line.size(); at += 2) {
      bytes->push_back(static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16)));
    }
  }
  return all;
}

/// The bytes of version 1 called `name`; MCPWIRE_GOLDEN_V1 names the file.
inline std::string v1(std::string_view name) {
  static const auto kAll = read_conversation(MCPWIRE_GOLDEN_V1);
  const auto found = kAll.find(name);
  MCPWIRE_CHECK(found != kAll.end());
  return found->second;
}

/// Without the frame's header.
inline std::string v1_payload(std::string_view name) { return v1(name).substr(32); }

}  // namespace mcpwire::protocol::golden
