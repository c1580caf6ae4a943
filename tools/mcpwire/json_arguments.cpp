// SPDX-License-Identifier: MIT
#include "tools/mcpwire/json_arguments.hpp"

#include "daemon/config/escape.hpp"
#include "protocol/base/system_clock.hpp"
#include "protocol/request_header.hpp"
#include "tools/mcpwire/json_scan.hpp"

#include <nlohmann/json.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

namespace mcpwire::cli {
namespace {

/// Bytes of a line shown on either side of the fault.
constexpr std::size_t kExcerptBytes = 36;

/// What the daemon takes (protocol/json/fault.hpp).
constexpr std::size_t kDepthMax = 64;

bool continues_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::string shown(std::string_view text) {
  return config::escape_unprintable(text, config::LineBreaks::kEscape);
}

/// Checks without building anything: arguments may have hundreds of megabytes. The method names are
/// nlohmann's.
class ArgumentsChecker : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool is_object() const noexcept { return is_object_; }
  std::size_t fault_byte() const noexcept { return fault_byte_; }
  const std::string& fault() const noexcept { return fault_; }
  bool is_number_too_large() const noexcept { return is_number_too_large_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    if (depth_++ == 0) is_object_ = true;
    return true;
  }
  bool key(string_t&) override { return true; }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    ++depth_;
    return true;
  }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;  // As nlohmann's manual numbers its errors.
    is_number_too_large_ = error.id == kNumberOverflow;
    fault_byte_ = position == 0 ? 0 : position - 1;
    std::string_view reason = error.what();
    const std::size_t start = reason.find(" - ");
    reason.remove_prefix(
        start == std::string_view::npos ? std::min(reason.find("] "), reason.size()) : start + 3);
    fault_ = reason.substr(0, reason.find("; last read"));
    return false;
  }

 private:
  bool leave() noexcept {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool is_number_too_large_ = false;
  std::size_t fault_byte_ = 0;
  std::string fault_;
};

/// The part of the line around `column` (bytes from its start), and a caret below the place.
std::string excerpt(std::string_view line, std::size_t column) {
  std::size_t first = column > kExcerptBytes ? column - kExcerptBytes : 0;
  while (first > 0 && continues_character(line[first])) --first;
  std::size_t last = std::min(line.size(), column + kExcerptBytes);
  while (last < line.size() && continues_character(line[last])) ++last;
  const std::string before = (first > 0 ? "..." : "") + shown(line.substr(first, column - first));
  const auto width = std::ranges::count_if(before, [](char c) { return !continues_character(c); });
  return "  " + before + shown(line.substr(column, last - column)) +
         (last < line.size() ? "..." : "") + "\n  " +
         std::string(static_cast<std::size_t>(width), ' ') + '^';
}

Failure malformed(std::string_view text, std::size_t byte, const std::string& reason) {
  byte = std::min(byte, text.size());
  const std::string_view before = text.substr(0, byte);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  const std::size_t line_end = std::min(text.find('\n', byte), text.size());
  const auto line = std::ranges::count(before, '\n') + 1;
  return fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson,
              "the arguments are not valid JSON: line " + std::to_string(line) + ", column " +
                  std::to_string(byte - line_start + 1) + ": " + shown(reason) + '\n' +
                  excerpt(text.substr(line_start, line_end - line_start), byte - line_start));
}

/// Says what is waited for where nobody has asked for it and nothing comes.
constexpr std::uint64_t kSilenceNs = 2 * kNanosecondsPerSecond;

/// `hint_ns`: when that is said; kNever once it was.
Result<void> wait_for_input(int fd, std::uint64_t deadline_ns, std::uint64_t& hint_ns) {
  if (fd < 0) return {};  // poll() would wait for ever where read() says what is wrong.
  constexpr std::uint64_t kPollMsMax = 60'000;
  while (true) {
    const std::uint64_t now = monotonic_now_ns();
    const std::uint64_t until = std::min(hint_ns, deadline_ns);
    const std::uint64_t left = until > now ? until - now : 0;
    const std::uint64_t left_ms =
        left / kNanosecondsPerMillisecond + (left % kNanosecondsPerMillisecond != 0 ? 1 : 0);
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min(left_ms, kPollMsMax)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) {
      return fail(Error::from_errno(ErrorKind::kInternal, errno, "poll"));
    }
    if (monotonic_now_ns() >= deadline_ns) {
      return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded,
                  "standard input brought no end of the arguments in time; nothing was sent "
                  "(`</dev/null` where the tool takes none)");
    }
    if (monotonic_now_ns() >= hint_ns) {
      hint_ns = kNever;
      constexpr std::string_view kHint = "mcpwire: waiting for arguments on standard input\n";
      [[maybe_unused]] const ssize_t told = ::write(STDERR_FILENO, kHint.data(), kHint.size());
    }
  }
}

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

Result<void> check_arguments(std::string_view text) {
  // nlohmann takes it for the end of the text and would let everything behind it pass.
  const std::size_t nul = text.find('\0');
  if (nul != std::string_view::npos) return malformed(text, nul, "a NUL character");
  // Before anything is parsed, and with its place: the daemon would only say that it is so.
  if (const auto place = find_too_deep(text, kDepthMax)) {
    return malformed(text, *place,
                     "more than " + std::to_string(kDepthMax) + " containers inside each other");
  }
  ArgumentsChecker checker;
  bool is_json = nlohmann::json::sax_parse(text, &checker);
  if (!is_json && checker.is_number_too_large()) {
    // A number that no double holds is JSON all the same, and its server may take it.
    checker = ArgumentsChecker();
    is_json = nlohmann::json::sax_parse(with_small_numbers(text), &checker);
  }
  if (!is_json) return malformed(text, checker.fault_byte(), checker.fault());
  if (!checker.is_object()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kArgumentsNotObject,
                "the arguments must be a JSON object such as {\"name\": \"value\"}");
  }
  return {};
}

Result<std::string> read_to_end(int fd, std::size_t bytes_max, std::uint64_t deadline_ns) {
  std::string text;
  std::uint64_t hint_ns = monotonic_now_ns() + kSilenceNs;
  std::array<char, 64 * 1024> piece;
  while (true) {
    TRY(wait_for_input(fd, deadline_ns, hint_ns));
    const ssize_t bytes = ::read(fd, piece.data(), piece.size());
    if (bytes == 0) return text;
    if (bytes < 0) {
      // Somebody who shares it may have made it non-blocking.
      if (errno == EINTR || errno == EAGAIN) continue;
      return fail(Error::from_errno(ErrorKind::kInvalid, errno, "standard input"));
    }
    if (text.size() + static_cast<std::size_t>(bytes) > bytes_max) {
      return fail(ErrorKind::kInvalid, ErrorCode::kTooLarge,
                  "the arguments have more than " + std::to_string(bytes_max) + " bytes");
    }
    hint_ns = kNever;
    text.append(piece.data(), static_cast<std::size_t>(bytes));
  }
}

Result<std::string> read_arguments(const std::optional<std::string>& given,
                                   std::uint64_t deadline_ns) {
  const bool from_input = given ? *given == "-" : ::isatty(STDIN_FILENO) == 0;
  std::string text = given.value_or("");
  if (from_input) {
    text = TRY(read_to_end(STDIN_FILENO, protocol::kMessageBytesMax, deadline_ns));
  }
  // Some shells put a byte order mark before what they pipe.
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  const bool nothing = from_input ? is_blank(text) : !given.has_value();
  if (nothing && given.has_value()) {
    return fail(ErrorKind::kInvalid, ErrorCode::kMalformedJson,
                "standard input, which `-` stands for, is empty; {} means no arguments");
  }
  if (nothing) return std::string("{}");
  TRY(check_arguments(text));
  return text;
}

}  // namespace mcpwire::cli
