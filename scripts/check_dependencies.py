#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the direct dependencies in cmake/Dependencies.cmake: fewer than 20.

PkgConfig (a tool) and Threads (the C library) do not count. What stands behind the line
`# Benchmark peers` is only ever linked by benchmarks and is counted apart. Every dependency has a
package in scripts/packages.txt, every peer one in scripts/packages_peers.txt (so that nobody needs
it to build), and every package there names a dependency that is still used.
"""
import re

from checklib import finish, read, root_from_arguments

LIMIT = 20
NOT_COUNTED = {"PkgConfig", "Threads"}
PATTERN = re.compile(r"^\s*(?:find_package\(\s*(\w+)|pkg_check_modules\(\s*(\w+))", re.M)


def names_in(text):
    return {a or b for a, b in PATTERN.findall(text)}


def package_problems(root, path, names):
    """Packages without a dependency, dependencies without a package."""
    text = read(root, path) if (root / path).exists() else ""
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    packaged = {row[1] for row in rows if row[1] != "-"}
    problems = [f"{path}: no package for {name}" for name in sorted(names - packaged)]
    problems += [f"{path}: {name} is not in cmake/Dependencies.cmake" for name in sorted(packaged - names)]
    return problems + [f"{path}: {row[0]} says not what for" for row in rows if len(row) < 3]


def main():
    root, _ = root_from_arguments(__doc__)
    text = re.sub(r"^\s*#(?! Benchmark peers).*$", "", read(root, "cmake/Dependencies.cmake"), flags=re.M)
    product, _, peers = text.partition("# Benchmark peers")
    product, peers = names_in(product), names_in(peers)
    counted = sorted(product - NOT_COUNTED)
    problems = []
    if len(counted) >= LIMIT:
        problems.append(f"cmake/Dependencies.cmake: {len(counted)} direct dependencies, allowed {LIMIT - 1}: {counted}")
    problems += package_problems(root, "scripts/packages.txt", product)
    problems += package_problems(root, "scripts/packages_peers.txt", peers)
    finish("check_dependencies", problems, f"{len(counted)} dependencies, {len(peers)} benchmark peers")


main()
