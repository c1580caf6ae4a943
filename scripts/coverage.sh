#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Reports lines and branches per folder that the last `ctest --preset dev` (make test-dev) covered.
# usage: scripts/coverage.sh [--html]
# Fails where the gate of scripts/coverage_report.py is not met. With --html a browsable report is
# left in build/dev/coverage.
set -euo pipefail
cd "$(dirname "$0")/.."
html=
case "${1:-}" in
  --html) html=1 ;;
  "") ;;
  *) sed -n '3,6s/^# //p' scripts/coverage.sh; exit 0 ;;
esac
build=build/dev
llvm-profdata-19 merge -sparse -o "$build/all.profdata" "$build"/profiles/*.profraw

objects=()
for program in "$build"/bin/* "$build"/tests/*; do
  [ -f "$program" ] && [ -x "$program" ] && objects+=(-object "$program")
done
llvm-cov-19 export -summary-only -instr-profile "$build/all.profdata" "${objects[@]}" >"$build/coverage.json"
if [ -n "$html" ]; then
  llvm-cov-19 show -format=html -instr-profile "$build/all.profdata" -output-dir "$build/coverage" \
    -ignore-filename-regex='/tests/|/bench/|^/usr/|/build/' "${objects[@]}" >/dev/null
fi
python3 -B scripts/coverage_report.py "$build/coverage.json"
