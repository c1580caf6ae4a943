// SPDX-License-Identifier: MIT
//
// StraysTest: ProcessTest that adopts and ends what its servers leave behind, as the daemon does.
//
// Threading: one thread.
#pragma once

#include "io/stray_children.hpp"
#include "tests/io/process_fixture.hpp"

#include <memory>

namespace mcpwire::io {

class StraysTest : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    strays = StrayChildren::adopt(*loop, *guardian).value();
  }
  void TearDown() override {
    strays.reset();
    ProcessTest::TearDown();
  }

  std::unique_ptr<StrayChildren> strays;
};

}  // namespace mcpwire::io
