// SPDX-License-Identifier: MIT
//
// FakeEraVerdicts: what was found out about servers, in memory and without an age.
// Threading: one thread.
#pragma once

#include "io/mcp/era_verdicts.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mcpwire::test_support {

class FakeEraVerdicts final : public io::EraVerdicts {
 public:
  std::optional<io::EraVerdict> find(std::string_view identity) override {
    const auto found = verdicts.find(identity);
    if (found == verdicts.end()) return std::nullopt;
    return found->second;
  }
  void keep(std::string_view identity, io::EraVerdict verdict) override {
    ++keeps;
    verdicts.insert_or_assign(std::string(identity), verdict);
  }
  void forget(std::string_view identity) override {
    const auto found = verdicts.find(identity);
    if (found != verdicts.end()) verdicts.erase(found);
  }

  std::map<std::string, io::EraVerdict, std::less<>> verdicts;
  int keeps = 0;
};

}  // namespace mcpwire::test_support
