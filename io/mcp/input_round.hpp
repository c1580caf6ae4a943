// SPDX-License-Identifier: MIT
//
// ask_caller: the questions of one `input_required` result (or task), handed to whoever made the
// request, and their answers as one `inputResponses` object.
//
// Threading: the loop's thread.
#pragma once

#include "io/mcp_transport.hpp"
#include "io/task.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/seams/event_loop.hpp"
#include "protocol/json/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcpwire::io {

/// One question, as raw tokens of the text it was read from.
struct InputQuestion {
  std::string_view key;
  std::string method;  ///< Decoded.
  std::string_view params;
};

/// Questions of one result at most; a server that asks more breaks the rules.
inline constexpr std::size_t kInputQuestionsMax = 64;

/// Reads `inputRequests`. kInvalid/kProtocolViolation: no object, too many, or a method that no
/// server may ask in this way.
Result<std::vector<InputQuestion>> read_questions(protocol::json::ValueReader& reader,
                                                  std::string_view input_requests);

/// Hands all questions to the sink of `options` at once and waits for their answers, at most until
/// its deadline. What nobody answers is refused in the way that its method defines; where that is
/// no result (sampling), the whole fails with kCancelledByCaller. `questions` are read until the
/// task first suspends.
task<Result<std::string>> ask_caller(EventLoop& loop, std::vector<InputQuestion> questions,
                                     RequestOptions options);

}  // namespace mcpwire::io
