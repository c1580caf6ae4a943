// SPDX-License-Identifier: MIT
#include "io/cgroup_tree.hpp"

#include "protocol/base/check.hpp"
#include "protocol/base/system_clock.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace mcpwire::io {
namespace {

constexpr std::string_view kNamePrefix = "mcpwire-";
/// Between two looks at processes that are ending.
constexpr std::uint64_t kPauseNs = 5 * kNanosecondsPerMillisecond;
constexpr std::uint64_t kPatienceNs = kNanosecondsPerSecond;

bool write_control(const std::string& directory, const char* file, const std::string& text) {
  const UniqueFd fd(::open((directory + '/' + file).c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string read_control(const std::string& directory, const char* file) {
  std::ostringstream text;
  text << std::ifstream(directory + '/' + file).rdbuf();
  return text.str();
}

bool has_word(const std::string& words, std::string_view wanted) {
  std::istringstream stream(words);
  for (std::string word; stream >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

void pause_briefly() noexcept {
  ::poll(nullptr, 0, static_cast<int>(kPauseNs / kNanosecondsPerMillisecond));
}

/// The mount point of cgroup2, from /proc/self/mountinfo: `... root point options - type ...`.
std::optional<std::string> find_mount() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string root;
    std::string point;
    fields >> skipped >> skipped >> skipped >> root >> point;
    const std::size_t type = line.find(" - ");
    if (type == std::string::npos || root != "/") continue;
    if (std::string_view(line).substr(type).starts_with(" - cgroup2 ")) return point;
  }
  return std::nullopt;
}

/// Where this process is, below the mount.
std::optional<std::string> find_own_group() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::/") && line.find("/..") == std::string::npos) return line.substr(3);
  }
  return std::nullopt;
}

std::vector<std::string> directories_in(const std::string& path) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_directory(error)) found.push_back(entry->path());
  }
  return found;
}

/// False while something in it is ending. With all that is below: a server may have made cgroups of
/// its own (a container engine, another mcpwired).
bool try_remove(const std::string& path) noexcept {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
  if (errno != EBUSY) return false;
  for (const std::string& below : directories_in(path)) {
    if (!try_remove(below)) return false;
  }
  return ::rmdir(path.c_str()) == 0;
}

/// Of a daemon that was killed together with its guardian. Only empty ones go: process ids say
/// little where containers share a tree.
void remove_leftovers(const std::string& parent) {
  for (const std::string& path : directories_in(parent)) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!name.starts_with(kNamePrefix)) continue;
    pid_t owner = 0;
    const char* const digits = name.data() + kNamePrefix.size();
    const auto parsed = std::from_chars(digits, name.data() + name.size(), owner);
    const bool is_whole = parsed.ptr == name.data() + name.size() || *parsed.ptr == '.';
    if (parsed.ec != std::errc{} || !is_whole) continue;
    if (owner <= 0 || ::kill(owner, 0) == 0 || errno != ESRCH) continue;
    try_remove(path);
  }
}

}  // namespace

void end_cgroups_blocking(const std::string& path, std::uint64_t patience_ns) noexcept {
  if (path.empty()) return;
  const std::uint64_t until_ns = monotonic_now_ns() + patience_ns;
  for (;;) {
    write_control(path, "cgroup.kill", "1");
    if (try_remove(path) || monotonic_now_ns() >= until_ns) return;
    pause_briefly();
  }
}

// --- One server's ----------------------------------------------------------------------------

ServerCgroup::ServerCgroup(ServerCgroup&& other) noexcept
    : tree_(std::exchange(other.tree_, nullptr)),
      path_(std::move(other.path_)),
      directory_(std::move(other.directory_)) {}

ServerCgroup& ServerCgroup::operator=(ServerCgroup&& other) noexcept {
  std::swap(tree_, other.tree_);
  std::swap(path_, other.path_);
  std::swap(directory_, other.directory_);
  return *this;
}

void ServerCgroup::end() noexcept {
  if (tree_ == nullptr) return;
  directory_.reset();
  write_control(path_, "cgroup.kill", "1");
  std::exchange(tree_, nullptr)->remove_later(std::move(path_));
}

// --- The tree --------------------------------------------------------------------------------

Result<std::unique_ptr<CgroupTree>> CgroupTree::create(EventLoop& loop, std::size_t number) {
  const auto mount = find_mount();
  const auto own = find_own_group();
  if (!mount.has_value() || !own.has_value()) {
    return fail(ErrorKind::kUnsupported, ErrorCode::kUnspecified, "no cgroup2 is mounted");
  }
  return create_below(loop, *own == "/" ? *mount : *mount + *own, number);
}

Result<std::unique_ptr<CgroupTree>> CgroupTree::create_below(EventLoop& loop, std::string parent,
                                                             std::size_t number) {
  std::string path = parent + '/' + std::string(kNamePrefix) + std::to_string(::getpid());
  if (number != 0) path += '.' + std::to_string(number);
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail(Error::from_errno(ErrorKind::kUnsupported, errno, path));
  }
  // Older kernels (before 5.14) have cgroups that cannot be ended.
  if (::access((path + "/cgroup.kill").c_str(), W_OK) != 0 ||
      ::access((path + "/cgroup.procs").c_str(), W_OK) != 0) {
    const int why = errno;
    try_remove(path);
    return fail(Error::from_errno(ErrorKind::kUnsupported, why, path));
  }
  remove_leftovers(parent);
  std::unique_ptr<CgroupTree> tree(new CgroupTree(loop, std::move(parent), std::move(path)));
  tree->enable_controllers();
  return tree;
}

CgroupTree::CgroupTree(EventLoop& loop, std::string parent, std::string path)
    : loop_(loop), parent_(std::move(parent)), path_(std::move(path)) {}

CgroupTree::~CgroupTree() {
  if (is_armed()) loop_.disarm(*this);
  end_cgroups_blocking(path_, kPatienceNs);
  for (const std::string& name : controllers_) {
    write_control(parent_, "cgroup.subtree_control", '-' + name);
  }
}

/// A controller reaches our servers only if every level above passes it on. The level above us may
/// not, where it has processes of its own (the kernel refuses it then).
void CgroupTree::enable_controllers() {
  for (const char* const name : {"memory", "pids"}) {
    const bool is_passed_on = has_word(read_control(path_, "cgroup.controllers"), name);
    if (!is_passed_on) {
      if (!write_control(parent_, "cgroup.subtree_control", std::string("+") + name)) continue;
      controllers_.emplace_back(name);
    }
    const bool is_ours = write_control(path_, "cgroup.subtree_control", std::string("+") + name);
    (std::string_view(name) == "memory" ? has_memory_ : has_pids_) = is_ours;
  }
}

Result<ServerCgroup> CgroupTree::make(const ProcessLimits& limits) {
  ServerCgroup made;
  made.path_ = path_ + "/server-" + std::to_string(next_++);
  if (::mkdir(made.path_.c_str(), 0755) != 0) {
    return fail(Error::from_errno(ErrorKind::kOverloaded, errno, made.path_));
  }
  made.tree_ = this;
  if (has_memory_ && limits.memory_bytes != 0) {
    write_control(made.path_, "memory.max", std::to_string(limits.memory_bytes));
    // All of the server or nothing: half a server is no use to anybody.
    write_control(made.path_, "memory.oom.group", "1");
  }
  if (has_pids_ && limits.processes != 0) {
    write_control(made.path_, "pids.max", std::to_string(limits.processes));
  }
  made.directory_.reset(::open(made.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!made.directory_) return fail(Error::from_errno(ErrorKind::kOverloaded, errno, made.path_));
  return made;
}

void CgroupTree::remove_later(std::string path) {
  if (try_remove(path)) return;
  ended_.push_back(std::move(path));
  if (!is_armed()) loop_.arm(*this, loop_.now_ns() + kPauseNs);
}

void CgroupTree::on_timer() {
  std::erase_if(ended_, [](const std::string& path) { return try_remove(path); });
  if (!ended_.empty()) loop_.arm(*this, loop_.now_ns() + kPauseNs);
}

}  // namespace mcpwire::io
