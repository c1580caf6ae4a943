// SPDX-License-Identifier: MIT
//
// Runs a fuzz target once over every file of the folders or files named on the command line, so
// that each input that ever broke something is tried again in every build, without libFuzzer.
// An empty or missing corpus is a failure: a replay of nothing would always pass.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_under(const fs::path& root) {
  if (fs::is_regular_file(root)) return {root};
  std::vector<fs::path> files;
  if (!fs::is_directory(root)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

std::vector<std::uint8_t> content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::size_t inputs_run = 0;
  for (int index = 1; index < argument_count; ++index) {
    for (const fs::path& file : inputs_under(arguments[index])) {
      // Named first: when the target aborts, the last line says on which input.
      std::fprintf(stderr, "replay %s\n", file.c_str());
      const std::vector<std::uint8_t> input = content_of(file);
      LLVMFuzzerTestOneInput(input.data(), input.size());
      ++inputs_run;
    }
  }
  std::fprintf(stderr, "%zu inputs replayed\n", inputs_run);
  return inputs_run == 0 ? 1 : 0;
}
