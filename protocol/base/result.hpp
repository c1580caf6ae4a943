// SPDX-License-Identifier: MIT
//
// Result<T>: a value or an Error; the return type of everything that can fail.
// A class of its own (not an alias) because std::expected is not [[nodiscard]]: a dropped failure
// must be a compiler warning. See docs/adr/0002-errors.md.
//
// TRY(expr) unwraps a Result inside a function that returns a Result; coroutines test and
// `co_return` in plain sight instead.
#pragma once

#include "protocol/base/error.hpp"

#include <expected>
#include <source_location>
#include <string>
#include <utility>

namespace mcpwire {

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

using Failure = std::unexpected<Error>;

inline Failure fail(Error error) { return Failure(std::move(error)); }

inline Failure fail(ErrorKind kind, ErrorCode code,
                    std::source_location where = std::source_location::current()) {
  return Failure(Error::of(kind, code, where));
}

inline Failure fail(ErrorKind kind, ErrorCode code, std::string detail,
                    std::source_location where = std::source_location::current()) {
  return Failure(Error::with_detail(kind, code, std::move(detail), where));
}

}  // namespace mcpwire

#define MCPWIRE_CONCAT_INNER(a, b) a##b
#define MCPWIRE_CONCAT(a, b) MCPWIRE_CONCAT_INNER(a, b)
#define MCPWIRE_TRY_NAMED(name, expr)                     \
  __extension__({                                         \
    auto name = (expr);                                   \
    if (!name.has_value()) [[unlikely]]                   \
      return ::mcpwire::Failure(std::move(name).error()); \
    std::move(name).value();                              \
  })
#define TRY(expr) MCPWIRE_TRY_NAMED(MCPWIRE_CONCAT(mcpwire_try_, __COUNTER__), expr)
