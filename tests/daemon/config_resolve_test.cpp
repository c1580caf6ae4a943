// SPDX-License-Identifier: MIT
#include "daemon/config/resolve.hpp"

#include "tests/support/fake_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mcpwire::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ResolveTest : public ::testing::Test {
 protected:
  ResolveTest() {
    files.put("/usr/bin/npx", "", 0755);
    server.name = "s";
    server.command = "npx";
    caller.environment = {{"PATH", "/opt/bin:/usr/bin"}, {"HOME", "/home/u"}};
    caller.config_directory = "/proj";
  }

  ResolvedServer resolved() {
    auto result = resolve(server, caller, files);
    EXPECT_TRUE(result.has_value()) << result.error().message();
    return result ? std::move(*result) : ResolvedServer{};
  }
  Error failure() {
    auto result = resolve(server, caller, files);
    EXPECT_FALSE(result.has_value());
    return result ? Error{} : result.error();
  }
  std::string identity() { return hex_of(resolved().identity); }

  test_support::FakeFileSystem files;
  ServerConfig server;
  CallerContext caller;
};

TEST_F(ResolveTest, FindsThePlainCommandInTheCallersPath) {
  EXPECT_EQ(resolved().process.program, "/usr/bin/npx");
  files.put("/opt/bin/npx", "", 0755);
  EXPECT_EQ(resolved().process.program, "/opt/bin/npx") << "earlier entries win";
  files.put("/opt/bin/npx", "", 0644);
  EXPECT_EQ(resolved().process.program, "/usr/bin/npx") << "not executable: passed over";
}

TEST_F(ResolveTest, NamesWhatItPutInSoThatItIsNeverShown) {
  files.put("/opt/tools-77/npx", "", 0755);
  caller.environment["TOKEN"] = "tok-1";
  caller.environment["TOOLS"] = "tools-77";
  server.command = "/opt/${TOOLS}/npx";
  server.arguments = {"--key=${TOKEN}", "${TOKEN}", "${OTHER:-default}"};
  server.environment = {{"PLAIN", "p"}};
  EXPECT_THAT(resolved().process.secrets,
              ElementsAre("OTHER=default", "TOKEN=tok-1", "TOOLS=tools-77"));
}

TEST_F(ResolveTest, SearchesTheConfiguredPathBeforeTheCallers) {
  files.put("/nvm/npx", "", 0755);
  server.environment = {{"PATH", "/nvm:${PATH}"}};
  EXPECT_EQ(resolved().process.program, "/nvm/npx");
}

TEST_F(ResolveTest, SkipsEntriesOfPathThatAreNotAbsolute) {
  for (const char* path : {"/proj/npx", "/bin/npx", "/npx"}) files.put(path, "", 0755);
  caller.environment["PATH"] = ":.:bin:/usr/bin";
  EXPECT_EQ(resolved().process.program, "/usr/bin/npx");
}

TEST_F(ResolveTest, UsesAStandardPathWhereTheCallerHasNone) {
  caller.environment.erase("PATH");
  EXPECT_EQ(resolved().process.program, "/usr/bin/npx");
}

TEST_F(ResolveTest, ACommandWithASlashIsSeenFromTheWorkingDirectory) {
  files.put("/proj/tools/run", "", 0755);
  server.command = "./tools/run";
  EXPECT_EQ(resolved().process.program, "/proj/tools/run");
  server.working_directory = "/proj/tools";
  server.command = "./run";
  EXPECT_EQ(resolved().process.program, "/proj/tools/run");
  files.put("/home/u/bin/x", "", 0755);
  server.command = "~/bin/x";
  EXPECT_EQ(resolved().process.program, "/home/u/bin/x");
}

TEST_F(ResolveTest, AMissingCommandIsNamed) {
  for (const char* command : {"nope", "./nope", "/abs/nope"}) {
    server.command = command;
    const Error error = failure();
    EXPECT_EQ(error.code, ErrorCode::kCommandNotFound);
    EXPECT_EQ(error.kind, ErrorKind::kConfiguration);
    EXPECT_THAT(error.message(), HasSubstr("server 's': command \"" + std::string(command)));
  }
}

TEST_F(ResolveTest, ExpandsVariablesEverywhere) {
  caller.environment["X"] = "xx";
  caller.environment["EMPTY"] = "";
  server.arguments = {"${X}",     "a${X}b${X}", "${NO:-d e}", "${EMPTY:-d}", "${X:-d}",
                      "${EMPTY}", "$X",         "$",          "${NO:-}",     "{}"};
  server.environment = {{"T", "<${X}>"}};
  server.working_directory = "${X}/${NO:-w}";
  const ResolvedServer result = resolved();
  EXPECT_THAT(result.process.arguments,
              ElementsAre("xx", "axxbxx", "d e", "d", "xx", "", "$X", "$", "", "{}"));
  EXPECT_THAT(result.process.environment,
              ElementsAre("HOME=/home/u", "PATH=/opt/bin:/usr/bin", "T=<xx>"));
  EXPECT_EQ(result.process.working_directory, "/proj/xx/w");
}

TEST_F(ResolveTest, ExpandsNothingTwice) {
  caller.environment["X"] = "${HOME}";
  server.arguments = {"${X}"};
  EXPECT_THAT(resolved().process.arguments, ElementsAre("${HOME}"));
}

TEST_F(ResolveTest, AMissingVariableIsNamedWithServerAndKey) {
  server.arguments = {"ok", "s3cret${NO_SUCH}"};
  const Error error = failure();
  EXPECT_EQ(error.kind, ErrorKind::kConfiguration);
  EXPECT_EQ(error.message(), "server 's': args[1]: the variable NO_SUCH is not set");
  server.arguments.clear();
  server.environment = {{"TOKEN", "${NO_SUCH}"}};
  EXPECT_THAT(failure().message(), HasSubstr("env.TOKEN"));
}

TEST_F(ResolveTest, OtherFormsOfExpansionAreErrorsAndShowNothing) {
  for (const char* text : {"${", "${A", "${}", "${1A}", "${input:s3cret}", "${A-b}", "${ A }"}) {
    server.arguments = {text};
    EXPECT_THAT(failure().message(), Not(HasSubstr("s3cret"))) << text;
  }
}

TEST_F(ResolveTest, AnExpansionCannotGrowWithoutLimit) {
  caller.environment["BIG"] = std::string(100'000, 'x');
  server.arguments = {"${BIG}${BIG}${BIG}"};
  EXPECT_THAT(failure().message(), HasSubstr("256 KiB"));
}

TEST_F(ResolveTest, InheritsOnlyTheAllowList) {
  caller.environment["USER"] = "u";
  caller.environment["TERM"] = "xterm";
  caller.environment["SHELL"] = "() { :; }; echo";
  caller.environment["AWS_SECRET"] = "s3cret";
  caller.environment["LD_PRELOAD"] = "/x.so";
  server.environment = {{"HOME", "/other"}};
  EXPECT_THAT(resolved().process.environment,
              ElementsAre("HOME=/other", "PATH=/opt/bin:/usr/bin", "TERM=xterm", "USER=u"));
}

TEST_F(ResolveTest, TheWorkingDirectoryDefaultsToTheConfigurations) {
  EXPECT_EQ(resolved().process.working_directory, "/proj");
  server.working_directory = "sub/../x";
  EXPECT_EQ(resolved().process.working_directory, "/proj/x");
  server.working_directory = "~";
  EXPECT_EQ(resolved().process.working_directory, "/home/u");
  server.working_directory = "~/w";
  EXPECT_EQ(resolved().process.working_directory, "/home/u/w");
  caller.environment.erase("HOME");
  EXPECT_THAT(failure().message(), HasSubstr("cwd: \"~\" needs HOME"));
}

TEST_F(ResolveTest, EveryPartOfWhatRunsIsPartOfTheIdentity) {
  const std::string plain = identity();
  EXPECT_EQ(identity(), plain);
  server.arguments = {"ab", "c"};
  const std::string with_arguments = identity();
  EXPECT_NE(with_arguments, plain);
  server.arguments = {"a", "bc"};
  EXPECT_NE(identity(), with_arguments);
  server.arguments.clear();
  server.environment = {{"A", "1"}};
  const std::string with_environment = identity();
  EXPECT_NE(with_environment, plain);
  server.environment = {{"A", "2"}};
  EXPECT_NE(identity(), with_environment);
  server.environment.clear();
  server.working_directory = "/w";
  EXPECT_NE(identity(), plain);
  server.working_directory.clear();
  caller.environment["HOME"] = "/home/v";
  EXPECT_NE(identity(), plain);
}

TEST_F(ResolveTest, ArgumentsAndVariablesDoNotRunIntoEachOther) {
  server.arguments = {"A", "1"};
  const std::string arguments = identity();
  server.arguments.clear();
  server.environment = {{"A", "1"}};
  EXPECT_NE(identity(), arguments);
}

TEST_F(ResolveTest, NameTimeoutAndTerminalAreNotPartOfTheIdentity) {
  const std::string plain = identity();
  server.name = "other";
  server.timeout_ns = 7;
  caller.environment["TERM"] = "xterm";
  caller.environment["USER"] = "u";
  caller.environment["SHELL"] = "/bin/sh";
  caller.environment["LOGNAME"] = "u";
  caller.environment["UNUSED"] = "x";
  EXPECT_EQ(identity(), plain);
  server.environment = {{"TERM", "dumb"}};
  EXPECT_NE(identity(), plain) << "what the configuration sets counts";
}

TEST_F(ResolveTest, TheOrderOfConfiguredVariablesDoesNotCount) {
  server.environment = {{"A", "1"}, {"B", "2"}};
  const std::string one = identity();
  server.environment = {{"B", "2"}, {"A", "1"}};
  EXPECT_EQ(identity(), one);
}

}  // namespace
}  // namespace mcpwire::config
