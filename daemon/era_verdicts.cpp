// SPDX-License-Identifier: MIT
#include "daemon/era_verdicts.hpp"

#include "daemon/config/paths.hpp"
#include "io/sleep.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace mcpwire::daemon {
namespace {

using protocol::mcp::Era;

constexpr std::string_view kHeader = "mcpwire server eras 1";
constexpr std::size_t kFileBytesMax = std::size_t{256} << 10;
constexpr std::size_t kIdentityBytesMax = 128;

struct VerdictName {
  io::EraVerdict verdict;
  std::string_view name;
};
constexpr std::array kNames = {
    VerdictName{{.era = Era::kModern}, "modern"},
    VerdictName{{.era = Era::kLegacy}, "legacy"},
    VerdictName{{.era = Era::kLegacy, .is_http_sse = true}, "legacy-sse"},
};

std::string_view take_until(std::string_view& rest, char end) noexcept {
  const std::size_t at = rest.find(end);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == rest.npos ? rest.size() : at + 1);
  return taken;
}

bool is_identity(std::string_view text) noexcept {
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f'; };
  return !text.empty() && text.size() <= kIdentityBytesMax && std::ranges::all_of(text, is_plain);
}

/// Written by nobody but its user, or root.
bool is_ours(const FileStatus& status) noexcept {
  const bool has_owner = status.owner_uid == ::geteuid() || status.owner_uid == 0;
  return has_owner && (status.mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

std::string era_verdicts_path(std::string_view cache_home, std::string_view home) {
  config::EnvironmentMap environment;
  environment.emplace("XDG_CACHE_HOME", cache_home);
  environment.emplace("HOME", home);
  const std::string base = config::base_directory(environment, "XDG_CACHE_HOME", ".cache");
  return base.empty() ? std::string() : base + "/mcpwire/server-eras";
}

DiskEraVerdicts::DiskEraVerdicts(EventLoop& loop, io::HelperThread& helper, FileSystem& files,
                                 const Clock& clock, std::string path)
    : loop_(loop),
      files_(files),
      helper_(helper),
      clock_(clock),
      path_(std::move(path)),
      work_(loop) {}

std::uint64_t DiskEraVerdicts::now_s() const noexcept {
  return clock_.realtime_ns() / kNanosecondsPerSecond;
}

// --- Asking and telling ----------------------------------------------------------------------

std::optional<io::EraVerdict> DiskEraVerdicts::find(std::string_view identity) {
  const auto found = entries_.find(identity);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  // A clock that was set back makes it too old as well.
  const std::uint64_t age_s = now_s() - entry.found_at_s;
  if (entry.verdict.era == Era::kLegacy && age_s >= kLegacyVerdictSeconds) return std::nullopt;
  return entry.verdict;
}

void DiskEraVerdicts::keep(std::string_view identity, io::EraVerdict verdict) {
  if (!is_identity(identity)) return;
  entries_.insert_or_assign(std::string(identity), Entry{verdict, now_s()});
  drop_oldest();
  note_change();
}

void DiskEraVerdicts::forget(std::string_view identity) {
  const auto found = entries_.find(identity);
  if (found == entries_.end()) return;
  entries_.erase(found);
  note_change();
}

void DiskEraVerdicts::drop_oldest() {
  while (entries_.size() > kEraVerdictsMax) {
    entries_.erase(std::ranges::min_element(
        entries_, {}, [](const auto& entry) { return entry.second.found_at_s; }));
  }
}

void DiskEraVerdicts::note_change() {
  is_changed_ = true;
  if (is_writing_ || is_stopped_ || path_.empty()) return;
  is_writing_ = true;
  work_.spawn(write());
}

// --- The file --------------------------------------------------------------------------------

void DiskEraVerdicts::start_reading() {
  if (!path_.empty()) work_.spawn(read());
}

io::task<void> DiskEraVerdicts::stop() {
  is_stopped_ = true;
  pause_.cancel(io::CancelCause::kShutdown);
  [[maybe_unused]] const Result<void> ended = co_await work_.join();
}

io::task<Result<void>> DiskEraVerdicts::read() {
  auto work = [files = &files_, path = path_] { return files->read(path, kFileBytesMax); };
  const Result<FileContents> contents = co_await helper_.run(work_.cancel_scope(), std::move(work));
  if (!contents.has_value() || !is_ours(contents->status)) co_return Result<void>{};
  std::optional<Entries> read = parse(contents->text);
  if (read.has_value()) entries_.merge(*read);
  drop_oldest();
  co_return Result<void>{};
}

io::task<Result<void>> DiskEraVerdicts::write() {
  while (is_changed_) {
    // Ends early at the daemon's end.
    [[maybe_unused]] const Result<void> paused =
        co_await io::sleep_until(loop_, pause_, loop_.now_ns() + kEraVerdictsPauseNs);
    is_changed_ = false;
    auto work = [files = &files_, path = path_, text = to_text()] {
      return files->replace(path, text);
    };
    // A cache that cannot be written costs probes, and nobody can do anything about it here.
    [[maybe_unused]] const Result<void> written =
        co_await helper_.run(work_.cancel_scope(), std::move(work));
  }
  is_writing_ = false;
  co_return Result<void>{};
}

std::string DiskEraVerdicts::to_text() const {
  std::string text(kHeader);
  text += '\n';
  for (const auto& [identity, entry] : entries_) {
    const auto name = std::ranges::find(kNames, entry.verdict, &VerdictName::verdict);
    if (name == kNames.end()) continue;
    text.append(identity).append(" ").append(name->name).append(" ");
    text += std::to_string(entry.found_at_s) + '\n';
  }
  return text;
}

std::optional<std::pair<std::string, DiskEraVerdicts::Entry>> DiskEraVerdicts::parse_line(
    std::string_view line) {
  const std::string_view identity = take_until(line, ' ');
  const auto name = std::ranges::find(kNames, take_until(line, ' '), &VerdictName::name);
  if (!is_identity(identity) || name == kNames.end()) return std::nullopt;
  Entry entry{name->verdict, 0};
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data(), end, entry.found_at_s);
  if (error != std::errc() || stop != end) return std::nullopt;
  return std::pair(std::string(identity), entry);
}

/// All or nothing: half of a damaged file is no better than none.
std::optional<DiskEraVerdicts::Entries> DiskEraVerdicts::parse(std::string_view text) {
  Entries entries;
  if (take_until(text, '\n') != kHeader) return std::nullopt;
  while (!text.empty()) {
    auto entry = parse_line(take_until(text, '\n'));
    if (!entry.has_value()) return std::nullopt;
    entries.insert(*std::move(entry));
  }
  return entries;
}

}  // namespace mcpwire::daemon
