// SPDX-License-Identifier: MIT
//
// Runs the plan round after round and prints one JSON object; progress goes to standard error.
// scripts/peers.py makes the tables of it.
//   peers_bench [--rounds N] [--slot-ms N] [--only TEXT] [--tiny]
//   --only   lanes whose name (question, placement, bytes, contender) contains TEXT
//   --tiny   a few messages per lane: shows that the harness works, measures nothing
#include "bench/peers/plan.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace mcpwire::peers {
namespace {

struct Options {
  std::uint32_t rounds = 5;
  std::string only;
  Budget budget;
};

struct Row {
  Lane lane;
  std::vector<LaneRun> runs;
  std::string failure;
};

std::string name_of(const Lane& lane) {
  std::string name(question_name(lane.question));
  name += std::string(", ") + std::string(placement_name(lane.options.placement)) + ", " +
          std::to_string(lane.options.setup.payload_bytes) + " bytes: " + lane.entrant.name + ", ";
  return name += waiting_name(lane.entrant.waiting);
}

bool parse_number(const char* text, std::uint64_t& number) {
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && number > 0;
}

bool parse_value(std::string_view name, const char* value, Options& options) {
  std::uint64_t number = 0;
  if (name == "--only") {
    options.only = value;
    return true;
  }
  if (!parse_number(value, number)) return false;
  if (name == "--rounds") options.rounds = static_cast<std::uint32_t>(number);
  if (name == "--slot-ms") options.budget.slot_ns = number * kNanosecondsPerMillisecond;
  return name == "--rounds" || name == "--slot-ms";
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--tiny") {
      options.budget = {.slot_ns = kNanosecondsPerSecond,
                        .samples_max = 10,
                        .messages_max = 2 * kStreamWarmUp + 10,
                        .warm_up_calls = 0};
    } else if (++i == argc || !parse_value(argument, argv[i], options)) {
      return false;
    }
  }
  return true;
}

/// A directory for socket paths that is removed, with all in it, at the end.
class Scratch {
 public:
  Scratch() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/mcpwire-peers.XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

void run(Row& row) {
  if (!row.failure.empty()) return;
  const Scratch scratch;
  LaneOptions options = row.lane.options;
  options.setup.scratch_directory = scratch.path();
  auto result = run_lane(row.lane.entrant.make, options);
  if (result) {
    std::ranges::sort(result->samples_ns);
    row.runs.push_back(std::move(*result));
  } else {
    row.failure = result.error().message();
    std::fprintf(stderr, "%s: %s\n", name_of(row.lane).c_str(), row.failure.c_str());
  }
}

std::uint32_t quantile(const std::vector<std::uint32_t>& sorted, std::size_t per_mille) {
  return sorted.empty() ? 0 : sorted[(sorted.size() - 1) * per_mille / 1000];
}

template <class Value>
void print_list(const char* name, const Row& row, Value value) {
  std::printf(",\"%s\":[", name);
  for (std::size_t i = 0; i < row.runs.size(); ++i) {
    std::printf("%s%.1f", i == 0 ? "" : ",", static_cast<double>(value(row.runs[i])));
  }
  std::printf("]");
}

void print_round_trips(const Row& row) {
  std::vector<std::uint32_t> all;
  for (const LaneRun& run : row.runs) {
    all.insert(all.end(), run.samples_ns.begin(), run.samples_ns.end());
  }
  std::ranges::sort(all);
  std::printf(",\"n\":%zu,\"p999_ns\":%u,\"max_ns\":%u", all.size(), quantile(all, 999),
              all.empty() ? 0 : all.back());
  print_list("p50_ns", row, [](const LaneRun& run) { return quantile(run.samples_ns, 500); });
  print_list("p99_ns", row, [](const LaneRun& run) { return quantile(run.samples_ns, 990); });
}

/// Names are ours and need no escapes; a failure may hold a path.
void print_row(const Row& row) {
  const Lane& lane = row.lane;
  std::string failure = row.failure;
  std::erase_if(failure, [](char c) { return c == '"' || c == '\\' || c < ' '; });
  std::printf("{\"question\":\"%s\",\"placement\":\"%s\",\"payload_bytes\":%u,",
              question_name(lane.question).data(), placement_name(lane.options.placement).data(),
              lane.options.setup.payload_bytes);
  std::printf("\"contender\":\"%s\",\"waiting\":\"%s\",\"part\":\"%s\",\"failure\":\"%s\"",
              lane.entrant.name.c_str(), waiting_name(lane.entrant.waiting).data(),
              part_name(lane.entrant.part).data(), failure.c_str());
  if (lane.question == Question::kStream) {
    print_list("messages_per_s", row, [](const LaneRun& run) { return run.messages_per_s; });
  } else {
    print_round_trips(row);
  }
  print_list("cpu_ns", row, [](const LaneRun& run) { return run.cpu_ns_per_operation; });
  std::printf("}");
}

void show_progress(const Options& options, std::uint32_t round, const Lane& lane,
                   const std::string& previous) {
  std::string title = name_of(lane);
  title.erase(title.find(": "));
  if (title == previous) return;
  std::fprintf(stderr, "round %u of %u: %s\n", round + 1, options.rounds, title.c_str());
}

int run_all(const Options& options) {
  std::vector<Entrant> entrants = own_entrants();
  for (Entrant& entrant : peer_entrants()) entrants.push_back(std::move(entrant));
  std::vector<Row> rows;
  for (Lane& lane : make_plan(entrants, options.budget)) {
    if (name_of(lane).find(options.only) != std::string::npos)
      rows.push_back({std::move(lane), {}, {}});
  }
  for (std::uint32_t round = 0; round < options.rounds; ++round) {
    std::string previous;
    for (Row& row : rows) {
      show_progress(options, round, row.lane, previous);
      previous = name_of(row.lane);
      previous.erase(previous.find(": "));
      run(row);
    }
  }
  std::printf("{\"rounds\":%u,\"rows\":[", options.rounds);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::fputs(i == 0 ? "\n" : ",\n", stdout);
    print_row(rows[i]);
  }
  std::printf("\n]}\n");
  const bool all_well =
      std::ranges::all_of(rows, [](const Row& row) { return row.failure.empty(); });
  return all_well && !rows.empty() && std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mcpwire::peers

int main(int argc, char** argv) {
  mcpwire::peers::Options options;
  if (!mcpwire::peers::parse(argc, argv, options)) {
    std::fputs("usage: peers_bench [--rounds N] [--slot-ms N] [--only TEXT] [--tiny]\n", stderr);
    return 1;
  }
  return mcpwire::peers::run_all(options);
}
