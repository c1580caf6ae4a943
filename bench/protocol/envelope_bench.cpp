// SPDX-License-Identifier: MIT
//
// What reading a server's line costs: our parser, which validates the line and finds the spans,
// beside a whole DOM of simdjson. Two kinds of lines: a tool's text, and many small objects. Lines
// over EnvelopeParser::kFullValidationBytesMax are read in span mode.
#include "protocol/json/envelope.hpp"

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace mcpwire::bench {
namespace {

enum class Kind : std::int64_t { kText, kObjects };

/// An answer to a tools/call of about `bytes`.
std::string answer_line(Kind kind, std::size_t bytes) {
  std::string line = R"({"jsonrpc":"2.0","id":1234,"result":{"content":[{"type":"text","text":")";
  if (kind == Kind::kText) {
    while (line.size() + 20 < bytes) line += "Lines of text, as a tool says them.\\n";
    return line + R"("}],"isError":false}})";
  }
  line += R"("}],"structuredContent":{"rows":[)";
  for (int row = 0; line.size() + 20 < bytes; ++row) {
    line += std::string(row == 0 ? "" : ",") + R"({"id":)" + std::to_string(row) +
            R"(,"name":"row","size":12.5,"ok":true,"tags":["a","b"]})";
  }
  return line + "]}}}";
}

std::string line_of(const benchmark::State& state) {
  return answer_line(Kind{state.range(0)}, static_cast<std::size_t>(state.range(1)));
}

void report(benchmark::State& state, const std::string& line) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(line.size()));
  state.counters["line_bytes"] = static_cast<double>(line.size());
}

void BM_Envelope(benchmark::State& state) {
  const std::string line = line_of(state);
  protocol::json::EnvelopeParser parser;
  for (auto _ : state) {
    const auto envelope = parser.parse(line);
    if (!envelope || envelope->id != "1234") std::abort();
    benchmark::DoNotOptimize(envelope->result.data());
  }
  report(state, line);
}

void BM_SimdjsonDom(benchmark::State& state) {
  const simdjson::padded_string line(line_of(state));
  simdjson::dom::parser parser;
  for (auto _ : state) {
    simdjson::dom::element document;
    std::int64_t id = 0;
    if (parser.parse(line).get(document) != simdjson::SUCCESS ||
        document["id"].get(id) != simdjson::SUCCESS || id != 1234) {
      std::abort();
    }
    benchmark::DoNotOptimize(document["result"]);
  }
  report(state, std::string(line));
}

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"objects", "bytes"});
  for (const Kind kind : {Kind::kText, Kind::kObjects}) {
    for (const std::int64_t bytes : {150, 1'024, 100'000, 2'000'000}) {
      benchmark->Args({static_cast<std::int64_t>(kind), bytes});
    }
  }
}

BENCHMARK(BM_Envelope)->Apply(arguments);
BENCHMARK(BM_SimdjsonDom)->Apply(arguments);

}  // namespace
}  // namespace mcpwire::bench
