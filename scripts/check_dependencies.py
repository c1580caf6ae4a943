#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the direct dependencies in cmake/Dependencies.cmake: fewer than 20.

PkgConfig (a tool) and Threads (the C library) do not count. What stands behind the line
`# Benchmark peers` is only ever linked by benchmarks and is counted apart. Every dependency has a
package in scripts/packages.txt, and every package there names a dependency that is still used.
"""
import re

from checklib import finish, read, root_from_arguments

LIMIT = 20
NOT_COUNTED = {"PkgConfig", "Threads"}
PATTERN = re.compile(r"^\s*(?:find_package\(\s*(\w+)|pkg_check_modules\(\s*(\w+))", re.M)


def names_in(text):
    return {a or b for a, b in PATTERN.findall(text)}


def main():
    root, _ = root_from_arguments(__doc__)
    text = re.sub(r"^\s*#(?! Benchmark peers).*$", "", read(root, "cmake/Dependencies.cmake"), flags=re.M)
    product, _, peers = text.partition("# Benchmark peers")
    product, peers = names_in(product), names_in(peers)
    counted = sorted(product - NOT_COUNTED)
    rows = [line.split() for line in read(root, "scripts/packages.txt").splitlines()
            if line.strip() and not line.startswith("#")]
    packaged = {row[1] for row in rows if row[1] != "-"}
    problems = []
    if len(counted) >= LIMIT:
        problems.append(f"cmake/Dependencies.cmake: {len(counted)} direct dependencies, allowed {LIMIT - 1}: {counted}")
    problems += [f"scripts/packages.txt: no package for {name}" for name in sorted((product | peers) - packaged)]
    problems += [f"scripts/packages.txt: {name} is not in cmake/Dependencies.cmake"
                 for name in sorted(packaged - product - peers)]
    problems += [f"scripts/packages.txt: {row[0]} says not what for" for row in rows if len(row) < 3]
    finish("check_dependencies", problems, f"{len(counted)} dependencies, {len(peers)} benchmark peers")


main()
