#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages of scripts/packages.txt; does nothing where all are there.
# usage: scripts/setup.sh [--interop] [--peers] [--list]
#   --interop  also npm, without which the interop tests are reported as skipped
#   --peers    also the transports of other projects that `make peers` measures (packages_peers.txt)
#   --list     prints the package names and ends
set -euo pipefail
cd "$(dirname "$0")"

names_in() { awk '!/^#/ && NF {print $1}' "$1"; }
mapfile -t packages < <(names_in packages.txt)
for argument in "$@"; do
  case "$argument" in
    --interop) command -v npm >/dev/null || packages+=(npm) ;;
    --peers) mapfile -t -O "${#packages[@]}" packages < <(names_in packages_peers.txt) ;;
    --list) printf '%s\n' "${packages[@]}"; exit 0 ;;
    *) sed -n '3,7s/^# //p' setup.sh >&2; exit 1 ;;
  esac
done

say_what_is_needed() {
  printf 'setup: %s\nmcpwire needs these packages of Debian 12 (or newer):\n  %s\n' "$1" "${packages[*]}" >&2
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  say_what_is_needed "no apt-get on this machine: nothing was installed, tools and headers are taken as they are"
  for tool in clang++-19 cmake ninja python3; do
    command -v "$tool" >/dev/null || { echo "setup: $tool is missing" >&2; exit 1; }
  done
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { say_what_is_needed "not root and no sudo; missing: ${missing[*]}"; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends)
# The package lists may be absent (fresh machine) or old: one update, then one more attempt.
if ! "${install[@]}" "${missing[@]}" >/dev/null 2>&1; then
  "${as_root[@]}" apt-get update -q
  "${install[@]}" "${missing[@]}" || { say_what_is_needed "apt-get install failed"; exit 1; }
fi
