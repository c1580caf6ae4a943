#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the large forms of some tests and models once, then the tests of the release build that depend on timing
# again and again; ends at the first failure.
# usage: scripts/soak.sh [MINUTES=30]
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '3,5s/^# //p' scripts/soak.sh; exit 0 ;; esac
python3 -B tests/models/run_models.py --soak || [ $? -eq 77 ]
# Once: a client that changes its memory while the daemon reads, a hundred times as often as in CI.
MCPWIRE_MUTATIONS=1000000000 build/release/tests/daemon_mutation_test --gtest_brief=1
end=$((SECONDS + 60 * ${1:-30}))
rounds=0
# Once, with far more than CI has time for.
MCPWIRE_WAKE_ROUNDS=1000000 build/release/tests/ring_wake_test
MCPWIRE_SOAK=${MCPWIRE_SOAK:-50} build/release/tests/call_outcome_process_test
while [ $SECONDS -lt $end ]; do
  ctest --test-dir build/release -L '^(process|programs|stress|conformance)$' --no-tests=error --output-on-failure \
    --schedule-random -j 2 --quiet || { echo "soak: failed in round $((rounds + 1)), $SECONDS s after the start" >&2; exit 1; }
  rounds=$((rounds + 1))
done
echo "soak: $rounds rounds in $SECONDS s without a failure"
