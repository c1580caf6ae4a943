#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the fuzz preset and runs every fuzz target for a bounded time, one after the other.
# usage: scripts/fuzz.sh [SECONDS_PER_TARGET=30] [TARGET...]
# New inputs go to build/fuzz/corpus, inputs that broke something to build/fuzz/findings: copy
# those to tests/fuzz/corpus/<target>/ together with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '3,7s/^# //p' scripts/fuzz.sh; exit 0 ;; esac
seconds=${1:-30}
shift || true

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target mcpwire_fuzzers
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cpp; do
    [ -e "$source" ] && targets+=("$(basename "$source" _fuzz.cpp)")
  done
fi

failed=()
for name in "${targets[@]}"; do
  echo "== fuzz $name, $seconds s"
  mkdir -p "build/fuzz/corpus/$name" "build/fuzz/findings/$name"
  "build/fuzz/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/findings/$name/" \
    "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" || failed+=("$name")
done
[ ${#failed[@]} -eq 0 ] || { echo "fuzz: failed: ${failed[*]} (inputs under build/fuzz/findings)" >&2; exit 1; }
