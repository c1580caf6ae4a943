// SPDX-License-Identifier: MIT
#include "daemon/transport_factory.hpp"

#include "tests/support/fake_file_system.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mcpwire::daemon {
namespace {

class VerdictKeyTest : public testing::Test {
 protected:
  VerdictKeyTest() {
    spec.identity = "id";
    spec.spawn.program = "/opt/server";
  }
  std::string key() { return verdict_key(spec, files); }

  test_support::FakeFileSystem files;
  pool::ServerSpec spec;
};

TEST_F(VerdictKeyTest, IsTheIdentityWhereTheProgramCannotBeSeen) { EXPECT_EQ(key(), "id"); }

TEST_F(VerdictKeyTest, AProgramThatWasReplacedIsAnotherOne) {
  files.put("/opt/server", "one", 0755);
  const std::string first = key();
  EXPECT_TRUE(first.starts_with("id@")) << first;
  EXPECT_EQ(key(), first);
  files.put("/opt/server", "two", 0755);
  const std::string second = key();
  EXPECT_NE(second, first);
  EXPECT_EQ(second.find(' '), std::string::npos) << "it stands in a file of words";
  spec.identity = "other";
  EXPECT_NE(key(), second);
}

}  // namespace
}  // namespace mcpwire::daemon
