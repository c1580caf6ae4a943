// SPDX-License-Identifier: MIT
//
// What large arguments cost the daemon: its memory holds the client's and one copy, whatever they
// look like. In builds without sanitizers, which have memory of their own.
#include "client/connection.hpp"
#include "tests/process/daemon_fixture.hpp"

#include <cstdlib>
#include <string>

namespace mcpwire::test {
namespace {

constexpr std::size_t kArgumentBytes = std::size_t{32} << 20;
/// The loop, rings, buffers.
constexpr std::size_t kSlackBytes = std::size_t{8} << 20;

class LargeArgumentsTest : public DaemonFixture {
 protected:
  /// The most memory that the daemon ever had, as the kernel counts it.
  std::size_t daemon_peak_bytes() {
    const std::string status = read_file("/proc/" + std::to_string(daemon_pid()) + "/status");
    const std::size_t at = status.find("VmHWM:");
    EXPECT_NE(at, std::string::npos);
    return std::strtoull(status.c_str() + at + 6, nullptr, 10) * 1024;
  }

  void call_with(const std::string& value) {
    use_demo_server();
    client::ConnectOptions options;
    options.runtime_directory = run_directory();
    options.daemon_program = program("mcpwired");
    options.config = client::ConfigReference{environment["MCPWIRE_CONFIG"]};
    options.working_directory = work();
    auto connection = client::Connection::connect(options);
    ASSERT_TRUE(connection.has_value()) << connection.error().message();
    ASSERT_EQ(connection->call_tool({"demo", "add", R"({"a":1,"b":2})"}).outcome,
              protocol::Outcome::kOk);
    const std::size_t before = daemon_peak_bytes();
    const client::CallReply reply =
        connection->call_tool({"demo", "add", R"({"a":1,"b":2,"rest":)" + value + "}"});
    ASSERT_EQ(reply.outcome, protocol::Outcome::kOk) << reply.error.message();
    EXPECT_NE(reply.body.view().find("\"3\""), std::string_view::npos);
    EXPECT_LT(daemon_peak_bytes() - before, 2 * kArgumentBytes + kSlackBytes);
  }
};

TEST_F(LargeArgumentsTest, OneTextCostsTheDaemonOneCopy) {
  call_with('"' + std::string(kArgumentBytes, 'x') + '"');
}

TEST_F(LargeArgumentsTest, ManySmallTokensCostTheDaemonOneCopy) {
  std::string list = "[1";
  list.reserve(kArgumentBytes + 2);
  while (list.size() < kArgumentBytes) list += ",1";
  call_with(list + ']');
}

}  // namespace
}  // namespace mcpwire::test
