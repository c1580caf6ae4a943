#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the form of source files: length and licence line.

A file has at most 300 lines (a test file 500). A folder may have one longer file, its heart,
which is named in scripts/hearts.txt; an entry for a file that is no longer long is a problem.
Each source and script starts with its SPDX line.
"""
from checklib import CPP, LAYERS, files_under, finish, read, root_from_arguments

LINES_MAX, TEST_LINES_MAX, HEART_LINES_MAX = 300, 500, 800


def main():
    root, _ = root_from_arguments(__doc__)
    problems, hearts = [], {}
    if (root / "scripts/hearts.txt").exists():
        for line in read(root, "scripts/hearts.txt").splitlines():
            if line.strip() and not line.startswith("#"):
                hearts.setdefault(line.split()[0], False)
    folders = [heart.split("/")[0] for heart in hearts]
    problems += [f"scripts/hearts.txt: {f}/ has more than one heart" for f in set(folders) if folders.count(f) > 1]
    files = files_under(root, LAYERS + ["tests", "bench", "scripts"], CPP + (".py", ".sh"))
    for file in files:
        lines = read(root, file).splitlines()
        limit = TEST_LINES_MAX if file.parts[0] == "tests" else LINES_MAX
        if len(lines) > limit and str(file) in hearts:
            hearts[str(file)] = True
            limit = HEART_LINES_MAX
        if len(lines) > limit:
            problems.append(f"{file}: {len(lines)} lines, allowed {limit}: split it by concept")
        if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
            problems.append(f"{file}:1: no `SPDX-License-Identifier: MIT`")
    problems += [f"scripts/hearts.txt: {heart} is not over {LINES_MAX} lines: remove it"
                 for heart, used in hearts.items() if not used]
    finish("check_sizes", problems, f"{len(files)} files")


main()
