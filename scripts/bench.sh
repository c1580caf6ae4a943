#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs every benchmark of the bench preset; JSON goes to build/bench/results, with the machine beside it.
# usage: scripts/bench.sh [FILTER]   (a regular expression on BM_ names)
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '3,4s/^# //p' scripts/bench.sh; exit 0 ;; esac
results=build/bench/results
mkdir -p "$results"
{
  uname -sr
  grep -m1 'model name' /proc/cpuinfo || true
  echo "cores $(nproc), load $(cut -d' ' -f1-3 /proc/loadavg), commit $(git rev-parse --short HEAD 2>/dev/null || echo none)"
  clang++-19 --version | head -1
} | tee "$results/machine.txt"
for program in build/bench/bench/*_bench; do
  [ -x "$program" ] || continue
  name=$(basename "$program")
  echo "== $name"
  "$program" --benchmark_filter="${1:-.}" --benchmark_out="$results/$name.json" --benchmark_out_format=json
done
