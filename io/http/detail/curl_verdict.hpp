// SPDX-License-Identifier: MIT
//
// What libcurl's codes mean for a request.
//
// Threading: pure functions.
#pragma once

#include "io/http/detail/curl_library.hpp"
#include "protocol/base/error.hpp"

#include <string_view>

namespace mcpwire::io::detail {

/// It ended while there was no connection for it yet.
bool is_before_request(CURLcode code) noexcept;

Error closed_without_answer();
/// `status`: of the interim response that came in its place.
Error no_final_response(int status);
/// Over what libcurl takes, which it calls a want of memory.
Error header_line_too_long();

/// `said`: libcurl's own text about it, or nothing.
Error curl_error(const CurlLibrary& curl, CURLcode code, std::string_view said);

}  // namespace mcpwire::io::detail
