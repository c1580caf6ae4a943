// SPDX-License-Identifier: MIT
#include "tests/process/daemon_fixture.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace mcpwire::test {
namespace {

std::string slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Fields of /proc/PID/stat behind the name: state, parent, ...
std::istringstream stat_fields(pid_t process_id) {
  const std::string stat = slurp("/proc/" + std::to_string(process_id) + "/stat");
  const std::size_t name_end = stat.rfind(") ");
  return std::istringstream(name_end == std::string::npos ? "" : stat.substr(name_end + 2));
}

}  // namespace

pid_t DaemonFixture::daemon_pid() {
  const std::string out = run({"daemon", "status", "--json"}).out;
  const std::size_t at = out.find("\"pid\":");
  return at == std::string::npos ? 0 : std::stoi(out.substr(at + 6));
}

std::vector<pid_t> DaemonFixture::children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t process_id = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), process_id);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
    std::istringstream fields = stat_fields(process_id);
    char state = 'Z';
    pid_t its_parent = 0;
    fields >> state >> its_parent;
    if (its_parent == parent && state != 'Z') children.push_back(process_id);
  }
  return children;
}

std::vector<pid_t> DaemonFixture::children_like(pid_t parent, const std::string& text) {
  std::vector<pid_t> found = children_of(parent);
  std::erase_if(
      found, [&](pid_t child) { return command_line_of(child).find(text) == std::string::npos; });
  return found;
}

bool DaemonFixture::is_running(pid_t process_id) {
  char state = 'Z';
  stat_fields(process_id) >> state;
  return state != 'Z';
}

std::string DaemonFixture::command_line_of(pid_t process_id) {
  return slurp("/proc/" + std::to_string(process_id) + "/cmdline");
}

std::string DaemonFixture::write_script(const std::string& name, const std::string& body) {
  const std::string path = work() + "/" + name;
  write_file(path, "#!/bin/sh\n" + body + "\n", 0700);
  return path;
}

void DaemonFixture::use_server(const std::string& command, const std::string& members) {
  use_configuration(R"({"mcpServers":{"demo":{"command":")" + command + "\"" +
                    (members.empty() ? "" : "," + members) + "}}}");
}

}  // namespace mcpwire::test
