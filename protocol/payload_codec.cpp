// SPDX-License-Identifier: MIT
#include "protocol/payload_codec.hpp"

namespace mcpwire::protocol {

std::string build_error_body(const Error& error, bool may_have_been_sent) {
  PayloadBuilder<ErrorBody> builder;
  builder.fixed.error_kind = static_cast<std::uint32_t>(error.kind);
  builder.fixed.error_code = static_cast<std::uint32_t>(error.code);
  builder.fixed.os_errno = error.os_errno;
  builder.fixed.sent = may_have_been_sent ? 1 : 0;
  builder.fixed.message = builder.add(error.message());
  return builder.take();
}

Result<ParsedErrorBody> parse_error_body(ByteSpan payload) {
  const PayloadReader reader(payload);
  const auto body = TRY(reader.fixed<ErrorBody>());
  const bool has_kind =
      body.error_kind != 0 && body.error_kind <= static_cast<std::uint32_t>(ErrorKind::kInternal);
  if (!has_kind) {
    return fail(ErrorKind::kInvalid, ErrorCode::kProtocolViolation,
                std::string("error of no kind"));
  }
  const std::string_view message = TRY(reader.text(body.message));
  // The errno's text is part of the message already; keeping os_errno would print it twice.
  return ParsedErrorBody{
      Error::with_detail(static_cast<ErrorKind>(body.error_kind),
                         static_cast<ErrorCode>(body.error_code), std::string(message)),
      body.sent != 0};
}

}  // namespace mcpwire::protocol
