// SPDX-License-Identifier: MIT
#include "protocol/base/error.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/untrusted.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mcpwire {
namespace {

TEST(ErrorTest, SpeaksTheCodesStandardText) {
  EXPECT_EQ(Error::of(ErrorKind::kNotFound, ErrorCode::kUnknownServer).message(), "unknown server");
}

TEST(ErrorTest, DetailReplacesTheStandardText) {
  const Error error = Error::with_detail(ErrorKind::kNotFound, ErrorCode::kUnknownServer, "no 'x'");
  EXPECT_EQ(error.message(), "no 'x'");
}

TEST(ErrorTest, KeepsTheKernelsWordBehindTheCall) {
  const Error named = Error::from_errno(ErrorKind::kInternal, ENOENT, "open /x");
  EXPECT_EQ(named.os_errno, ENOENT);
  EXPECT_EQ(named.code, ErrorCode::kSystemCall);
  EXPECT_EQ(named.message(), "open /x: No such file or directory");
  EXPECT_EQ(Error::from_errno(ErrorKind::kInternal, ENOENT).message(),
            "system call failed: No such file or directory");
}

TEST(ErrorTest, RemembersWhereItWasMade) {
  const Error error = Error::of(ErrorKind::kInternal, ErrorCode::kClosed);
  EXPECT_TRUE(std::string_view(error.where.file_name()).ends_with("error_test.cpp"));
}

TEST(ErrorTest, EveryCodeAndKindHasItsOwnText) {
  std::set<std::string_view> texts;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kAuthorization); ++code) {
    texts.insert(error_text(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(ErrorCode::kAuthorization) + 1);
  EXPECT_EQ(error_text(static_cast<ErrorCode>(9999)), error_text(ErrorCode::kUnspecified));

  std::set<std::string_view> kinds;
  for (int kind = 1; kind <= static_cast<int>(ErrorKind::kInternal); ++kind) {
    kinds.insert(error_kind_name(static_cast<ErrorKind>(kind)));
  }
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(ErrorKind::kInternal));
  EXPECT_EQ(error_kind_name(ErrorKind::kNotFound), "not_found");
  EXPECT_EQ(error_kind_name(static_cast<ErrorKind>(200)), "internal");
}

TEST(ErrorTest, CodesKeepTheirNumbers) {
  // They travel on the wire; the ends and one in the middle hold the rest in place.
  EXPECT_EQ(static_cast<int>(ErrorCode::kSystemCall), 1);
  EXPECT_EQ(static_cast<int>(ErrorCode::kSpawnFailed), 17);
  EXPECT_EQ(static_cast<int>(ErrorCode::kPeerError), 31);
  EXPECT_EQ(static_cast<int>(ErrorCode::kAuthorization), 33);
  EXPECT_EQ(static_cast<int>(ErrorKind::kInvalid), 1);
  EXPECT_EQ(static_cast<int>(ErrorKind::kInternal), 9);
}

Result<std::unique_ptr<int>> make_number(bool works) {
  if (!works) return fail(ErrorKind::kTimeout, ErrorCode::kDeadlineExceeded);
  return std::make_unique<int>(20);
}

Result<int> add_one(bool works) {
  const std::unique_ptr<int> number = TRY(make_number(works));
  return *number + 1;
}

TEST(ResultTest, TryUnwrapsMoveOnlyValuesAndForwardsFailures) {
  EXPECT_EQ(add_one(true).value(), 21);
  const Result<int> failed = add_one(false);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().kind, ErrorKind::kTimeout);
  EXPECT_EQ(failed.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(UntrustedTest, GivesItsValueOnlyInsideTheBounds) {
  const Untrusted<std::uint32_t> value(10);
  EXPECT_EQ(value.checked(10), std::optional<std::uint32_t>(10));
  EXPECT_EQ(value.checked(9), std::nullopt);
  EXPECT_EQ(value.checked(10, 10), std::optional<std::uint32_t>(10));
  EXPECT_EQ(value.checked(11, 20), std::nullopt);
  EXPECT_EQ(Untrusted<std::uint64_t>(~0ull).checked(~0ull - 1), std::nullopt);
}

TEST(CheckDeathTest, AFailedCheckNamesItsPlaceAndAborts) {
  EXPECT_DEATH(MCPWIRE_CHECK(1 + 1 == 3), "check failed: 1 \\+ 1 == 3 at .*error_test.cpp");
}

}  // namespace
}  // namespace mcpwire
