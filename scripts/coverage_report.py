#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints lines and branches covered per folder from `llvm-cov export -summary-only`, with a gate.

The gate is LINES_MIN_PERCENT over all product folders together. Sources that no program links are
counted by nobody, so they are named: untested code must not look like no code.
"""
import json
import pathlib

from checklib import LAYERS, files_under, finish, root_from_arguments

LINES_MIN_PERCENT = 80.0


def percent(covered, count):
    return 100.0 * covered / count if count else 100.0


def main():
    root, args = root_from_arguments(
        __doc__, lambda parser: parser.add_argument("summary", type=pathlib.Path, help="the exported JSON"))
    totals, seen = {}, set()
    for entry in json.loads(args.summary.read_text(encoding="utf-8"))["data"][0]["files"]:
        path = pathlib.Path(entry["filename"])
        if not path.is_relative_to(root):
            continue
        path = path.relative_to(root)
        seen.add(path)
        if path.parts[0] not in LAYERS:
            continue
        row = totals.setdefault(path.parts[0], [0, 0, 0, 0])
        for index, kind in enumerate(("lines", "branches")):
            row[2 * index] += entry["summary"][kind]["covered"]
            row[2 * index + 1] += entry["summary"][kind]["count"]
    everything = [sum(row[index] for row in totals.values()) for index in range(4)]
    print(f"{'folder':<12}{'lines':>8}{'%':>8}{'branches':>10}{'%':>8}")
    for folder, row in [(f, totals[f]) for f in LAYERS if f in totals] + [("all", everything)]:
        print(f"{folder:<12}{row[1]:>8}{percent(*row[:2]):>8.1f}{row[3]:>10}{percent(*row[2:]):>8.1f}")
    unlinked = [f for f in files_under(root, LAYERS, [".cpp"]) if f not in seen and "example" not in f.parts]
    if unlinked:
        print("linked into no program: " + ", ".join(map(str, unlinked)))
    lines = percent(*everything[:2])
    problems = []
    if not everything[1]:
        problems.append("no product file in the summary")
    if lines < LINES_MIN_PERCENT:
        problems.append(f"{lines:.1f} % of lines covered, wanted {LINES_MIN_PERCENT} %")
    finish("coverage", problems, f"{lines:.1f} % of lines, gate {LINES_MIN_PERCENT} %")


main()
