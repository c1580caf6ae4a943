// SPDX-License-Identifier: MIT
//
// DegradedFixture: the built programs in poorer surroundings (programs/confined.cpp), as root or as
// an ordinary user.
//
// Threading: one thread.
#pragma once

#include "tests/process/cli_fixture.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace mcpwire::test {

inline constexpr const char* kEcho = R"({"message":"hi"})";

class DegradedFixture : public CliFixture {
 protected:
  using Words = std::vector<std::string>;

  DegradedFixture() { use_demo_server(); }

  /// `mcpwire` with these arguments, in poorer surroundings.
  Finished run_confined(const Words& how, const Words& arguments) {
    Words words = how;
    words.emplace_back("--");
    words.push_back(program("mcpwire"));
    words.insert(words.end(), arguments.begin(), arguments.end());
    Launch launch;
    launch.program = "../tests/confined";
    return run(words, launch);
  }

  std::string log() { return read_file(environment["MCPWIRE_RUNTIME_DIR"] + "/daemon.log"); }

  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++found;
    }
    return found;
  }

  void expect_one_warning(const Finished& finished, const std::string& because) {
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(count(finished.err, "warning"), 1U) << finished.err;
    EXPECT_THAT(finished.err, ::testing::HasSubstr(because));
  }

  /// The words that make `run_confined` an ordinary user's, who can raise no limit. Where the tests
  /// run as root everything of this one is that user's from here on.
  Words as_ordinary_user() {
    // Programs built for coverage would complain: that user may not write where they write to.
    environment["LLVM_PROFILE_FILE"] = "/dev/null";
    if (::geteuid() != 0) return {};
    const std::filesystem::path root = std::filesystem::path(work()).parent_path();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      EXPECT_EQ(::chown(entry.path().c_str(), kNobody, kNobody), 0);
    }
    EXPECT_EQ(::chown(root.c_str(), kNobody, kNobody), 0);
    return {"user=" + std::to_string(kNobody)};
  }
  /// A user that nothing else of these tests runs as: some limits are for all of a user's
  /// processes.
  static constexpr uid_t kNobody = 65'533;
};

}  // namespace mcpwire::test
