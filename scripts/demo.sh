#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Shows mcpwire at work: starts a daemon of its own in a private runtime directory with the built-in
# demo server, calls tools, measures, stops it, and shows that nothing is left running.
# usage: scripts/demo.sh [BIN_FOLDER=build/release/bin]
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '3,5s/^# //p' scripts/demo.sh; exit 0 ;; esac
bin=$(cd "${1:-build/release/bin}" && pwd)
for program in mcpwire mcpwired mcp-bench mcpwire-demo-server; do
  [ -x "$bin/$program" ] || { echo "demo: $bin/$program is missing (make build)" >&2; exit 1; }
done
export PATH="$bin:$PATH"

# Nothing of the user's own daemon is touched: another directory is another daemon.
work=$(mktemp -d /tmp/mcpwire-demo.XXXXXX)
mkdir -m 700 "$work/run"
export MCPWIRE_RUNTIME_DIR="$work/run" MCPWIRE_CONFIG="$work/mcp.json"
printf '{"mcpServers": {"demo": {"command": "%s"}}}\n' "$bin/mcpwire-demo-server" >"$MCPWIRE_CONFIG"

# Every process that a demo command starts has the runtime directory's name in its environment, this
# shell has not (/proc shows the environment that a program was started with).
left_running() {
  local environment
  for environment in /proc/[0-9]*/environ; do
    if grep -qzxF "MCPWIRE_RUNTIME_DIR=$work/run" "$environment"; then
      echo "$environment" | tr -dc '0-9\n'
    fi
  done 2>/dev/null
  return 0
}

clean_up() {
  mcpwire daemon stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

show() {
  printf '\n$ %s\n' "$1"
  bash -o pipefail -c "$1"
}

# shellcheck disable=SC2016  # the command is shown as it is typed, and expanded when it is run
show 'mcpwire daemon start -c "$MCPWIRE_CONFIG"'
show 'mcpwire list'
show 'mcpwire info demo/echo'
show "mcpwire call demo/echo '{\"message\": \"hi\"}'"
show "echo '{\"a\": 1, \"b\": 2}' | mcpwire call demo/add"
show 'mcp-bench latency --path daemon --method call --iterations 2000'
show 'mcpwire daemon status'
show 'mcpwire daemon stop'

# `daemon stop` returns when the daemon is gone; its guardian ends by itself right after.
for _ in $(seq 50); do
  left=$(left_running)
  [ -n "$left" ] || break
  sleep 0.1
done
if [ -n "$left" ]; then
  printf '\ndemo: still running: %s\n' "$(echo "$left" | tr '\n' ' ')" >&2
  exit 1
fi
printf '\nnothing is left running\n'
