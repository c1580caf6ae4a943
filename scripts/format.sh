#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Formats all C++ sources with clang-format-19, or with --check says which are not formatted.
# usage: scripts/format.sh [--check]
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
case "${1:-}" in
  --check) mode=(--dry-run -Werror) ;;
  "") ;;
  *) sed -n '3,4s/^# //p' scripts/format.sh; exit 0 ;;
esac
folders=()
for folder in protocol telemetry ring io pool parallel client daemon tools bench tests; do
  [ -d "$folder" ] && folders+=("$folder")
done
find "${folders[@]}" -name node_modules -prune -o \( -name '*.cpp' -o -name '*.hpp' -o -name '*.h' \) -print0 |
  xargs -0 -r -n 20 -P 2 clang-format-19 --style=file "${mode[@]}"
