// SPDX-License-Identifier: MIT
#include "daemon/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

namespace mcpwire::daemon {
namespace {

constexpr std::size_t kFileBytesMax = 1024 * 1024;
constexpr std::size_t kOldFiles = 1;
constexpr std::size_t kLineBytesMax = 8 * 1024;

// One line stays one line, and nothing in it can drive a terminal that shows the file.
std::string printable(std::string_view line) {
  std::string text(line.substr(0, kLineBytesMax));
  for (char& character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (code < 0x20 || code == 0x7f) character = ' ';
  }
  return text;
}

/// What is wrong with the file that is there; empty if it is one of ours, or there is none yet. A
/// link would make us write to, and take the mode of, whatever it names; a pipe would hold us.
std::string fault_of(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? "" : std::strerror(errno);
  if (S_ISLNK(status.st_mode)) return "it is a symbolic link";
  if (!S_ISREG(status.st_mode)) return "it is no regular file";
  if (status.st_nlink != 1) return "it has a second name";
  return status.st_uid == ::geteuid() ? "" : "it belongs to another user";
}

}  // namespace

struct Log::Sink {
  std::shared_ptr<spdlog::logger> logger;
  std::atomic<std::uint64_t> lost{0};

  void write(spdlog::level::level_enum level, std::string_view line) {
    if (logger == nullptr) {
      lost.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    logger->log(level, printable(line));
  }
};

Log::Log(const std::string& path) : sink_(std::make_unique<Sink>()) {
  fault_ = fault_of(path);
  if (!fault_.empty()) return;
  // For each file that rotation makes, not only for the first.
  spdlog::file_event_handlers private_files;
  private_files.after_open = [](const std::string&, std::FILE* file) {
    ::fchmod(::fileno(file), S_IRUSR | S_IWUSR);
  };
  const mode_t previous = ::umask(077);
  try {
    auto file = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        path, kFileBytesMax, kOldFiles, false, private_files);
    sink_->logger = std::make_shared<spdlog::logger>("mcpwired", std::move(file));
    sink_->logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    sink_->logger->flush_on(spdlog::level::info);
    // spdlog catches its own exceptions and calls this instead of throwing.
    sink_->logger->set_error_handler([sink = sink_.get()](const std::string&) {
      sink->lost.fetch_add(1, std::memory_order_relaxed);
    });
  } catch (const std::exception& error) {
    sink_->logger = nullptr;
    fault_ = error.what();
  }
  ::umask(previous);
}

Log::~Log() = default;

void Log::info(std::string_view line) { sink_->write(spdlog::level::info, line); }
void Log::warn(std::string_view line) { sink_->write(spdlog::level::warn, line); }
std::uint64_t Log::lost_lines() const noexcept {
  return sink_->lost.load(std::memory_order_relaxed);
}

}  // namespace mcpwire::daemon
