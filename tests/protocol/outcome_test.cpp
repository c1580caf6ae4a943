// SPDX-License-Identifier: MIT
#include "protocol/outcome.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string_view>

namespace mcpwire::protocol {
namespace {

constexpr int kKinds = static_cast<int>(ErrorKind::kInternal);

TEST(OutcomeTest, AnsweredCancelledAndUnknownDoNotDependOnTheKind) {
  for (int kind = 1; kind <= kKinds; ++kind) {
    const Error error = Error::of(static_cast<ErrorKind>(kind), ErrorCode::kAuthorization);
    EXPECT_EQ(exit_code_of(Outcome::kOk, error), ExitCode::kOk);
    EXPECT_EQ(exit_code_of(Outcome::kPeerError, error), ExitCode::kPeerError);
    EXPECT_EQ(exit_code_of(Outcome::kCancelled, error), ExitCode::kCancelled);
    EXPECT_EQ(exit_code_of(Outcome::kUnknown, error), ExitCode::kUnknown);
  }
}

TEST(OutcomeTest, WhatWasNeverSentIsUsageWhereTheUserCanCorrectIt) {
  for (const Outcome outcome : {Outcome::kNotSent, Outcome::kRejected, Outcome::kNone}) {
    for (const ErrorKind kind :
         {ErrorKind::kInvalid, ErrorKind::kNotFound, ErrorKind::kConfiguration}) {
      EXPECT_EQ(exit_code_of(outcome, Error::of(kind, ErrorCode::kUnspecified)), ExitCode::kUsage);
    }
    for (const ErrorKind kind :
         {ErrorKind::kOverloaded, ErrorKind::kDisconnected, ErrorKind::kUnsupported,
          ErrorKind::kTimeout, ErrorKind::kCancelled, ErrorKind::kInternal}) {
      EXPECT_EQ(exit_code_of(outcome, Error::of(kind, ErrorCode::kUnspecified)),
                ExitCode::kNotSent);
    }
  }
}

TEST(OutcomeTest, WhatLacksCredentialsHasACodeOfItsOwn) {
  const Error error = Error::of(ErrorKind::kConfiguration, ErrorCode::kAuthorization);
  EXPECT_EQ(exit_code_of(Outcome::kRejected, error), ExitCode::kAuthorization);
  EXPECT_EQ(exit_code_of(Outcome::kNotSent, error), ExitCode::kAuthorization);
}

TEST(OutcomeTest, ExitCodesAreTheDocumentedNumbers) {
  EXPECT_EQ(static_cast<int>(ExitCode::kOk), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::kPeerError), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::kNotSent), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::kAuthorization), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::kToolError), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::kUnknown), 6);
  EXPECT_EQ(static_cast<int>(ExitCode::kCancelled), 7);
}

TEST(OutcomeTest, EveryOutcomeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int outcome = 0; outcome <= kOutcomeMax; ++outcome) {
    names.insert(outcome_name(static_cast<Outcome>(outcome)));
  }
  EXPECT_EQ(names.size(), kOutcomeMax + 1u);
  EXPECT_EQ(outcome_name(Outcome::kNotSent), "not_sent");
  EXPECT_EQ(outcome_name(static_cast<Outcome>(kOutcomeMax + 1)), "none");
}

}  // namespace
}  // namespace mcpwire::protocol
