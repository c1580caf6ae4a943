// SPDX-License-Identifier: MIT
//
// What can still be told of a line that EnvelopeParser refused: whose answer it was meant to be. A
// caller that waits for an answer that has come, but cannot be read, would wait until its deadline
// for nothing.
//
// Threading: a pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mcpwire::protocol::json {

/// The number that a broken line names as its id, if that is beyond doubt: an object (also inside a
/// one-element array) with exactly one top-level "id", a natural number or one in quotes, no
/// "method", a "result" or an "error", and "jsonrpc" unless there is a "result". Lines of logs,
/// which also have ids, say something else. Brackets and quotes are followed, nothing is validated,
/// so a line that is broken in its quotes usually names nobody.
std::optional<std::uint64_t> unreadable_answer_id(std::string_view line) noexcept;

}  // namespace mcpwire::protocol::json
