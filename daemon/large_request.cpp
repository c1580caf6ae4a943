// SPDX-License-Identifier: MIT
#include "daemon/large_request.hpp"

#include "io/helper_thread.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace mcpwire::daemon {
namespace {

struct ParseAside {
  RequestPayload payload;
  ParseCall parse;

  Result<ServerCall> operator()() {
    protocol::json::ValueReader reader;  // The loop's own is the loop's.
    Result<ServerCall> call = parse(reader, payload.view());
    // Tens of thousands of pages: to free them takes its time, too.
    payload.release();
    if (!call.has_value()) return call;
    // Newlines are legal between tokens, and end a line of a stdio stream.
    const auto is_newline = [](char c) { return c == '\n' || c == '\r'; };
    std::ranges::replace_if(call->params, is_newline, ' ');
    call->large_params = std::make_shared<const std::string>(std::exchange(call->params, {}));
    return call;
  }
};

}  // namespace

// The request lives in the frame of the handler that awaits this one.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
io::task<Result<ServerCall>> parse_large(Request& request, RequestPayload payload,
                                         ParseCall parse) {
  io::HelperThread* const helper = request.session().services().helper;
  ParseAside work{std::move(payload), parse};
  if (helper == nullptr) co_return work();
  co_return co_await helper->run(request.scope(), std::move(work));
}

}  // namespace mcpwire::daemon
