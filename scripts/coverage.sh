#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the coverage preset, runs its tests and reports lines and branches per folder.
# usage: scripts/coverage.sh
# Fails where a test fails or the gate of scripts/coverage_report.py is not met. A browsable report
# is left in build/coverage/html.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '3,6s/^# //p' scripts/coverage.sh; exit 0 ;; esac
build=build/coverage
cmake --preset coverage >/dev/null
cmake --build --preset coverage -j "$(nproc)"
rm -rf "$build/profiles"
# %2m: processes of one program add up in two files; a file per process would be gigabytes.
LLVM_PROFILE_FILE="$PWD/$build/profiles/%2m.profraw" ctest --preset coverage
llvm-profdata-19 merge -sparse -o "$build/all.profdata" "$build"/profiles/*.profraw

objects=()
for program in "$build"/bin/* "$build"/tests/* "$build"/fuzz/*; do
  [ -f "$program" ] && [ -x "$program" ] && objects+=(-object "$program")
done
llvm-cov-19 export -summary-only -instr-profile "$build/all.profdata" "${objects[@]}" >"$build/summary.json"
llvm-cov-19 show -format=html -instr-profile "$build/all.profdata" -output-dir "$build/html" \
  -ignore-filename-regex='/tests/|/bench/|^/usr/|/build/' "${objects[@]}" >/dev/null
python3 -B scripts/coverage_report.py "$build/summary.json"
