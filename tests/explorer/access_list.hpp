// SPDX-License-Identifier: MIT
//
// Every atomic access in the sources of the ring, read from the text: what the explorer must come
// to, and what it must miss when it is weakened.
#pragma once

#include "tests/explorer/explorer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mcpwire::explorer {

struct Access {
  std::string name;          ///< Class_function_n: the n-th access in that function.
  std::string file;          ///< From the repository's root.
  std::uint32_t line_first;  ///< The first line that can belong to it and to no other.
  std::uint32_t line;        ///< Where its order stands.
  std::memory_order order;
  bool is_load;
  bool is_annotated;  ///< Carries a SYNC name.
};

/// Accesses in the files that the explorer compiles, by file and line.
std::vector<Access> atomic_accesses();

/// SYNC comments in those files.
std::size_t sync_comments();

/// Files of ring/ that access words of shared memory and are not compiled here.
std::vector<std::string> files_not_explored();

struct Variant {
  std::string name;
  Access access;
  Weakening weakening;
};

/// Each access with each weaker order, and left out.
std::vector<Variant> weakened_variants();

}  // namespace mcpwire::explorer
