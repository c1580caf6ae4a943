#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Touches one header of each folder and times the rebuild; fails where one takes over 30 s.

The header taken is the median one by the number of sources that it reaches through includes, so
that the figure is that of a usual change: neither the header nobody sees nor the one everybody does.
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import time

from checklib import CPP, LAYERS, files_under, read

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS_MAX = 30.0


def dependants():
    """Header -> number of sources that include it, directly or not. Paths are as in #include."""
    sources = files_under(ROOT, LAYERS + ["tests", "bench"], CPP)
    includes = {str(f): re.findall(r'#include "([^"]+)"', read(ROOT, f)) for f in sources}
    count = collections.Counter()
    for source in includes:
        if not source.endswith(".cpp"):
            continue
        reached, ahead = set(), [source]
        while ahead:
            new = set(includes.get(ahead.pop(), [])) - reached
            reached |= new
            ahead += new
        count.update(reached)
    return count


def median_header(folder, count):
    headers = [h for h in files_under(ROOT, [folder], [".hpp"]) if "detail" not in h.parts]
    by_use = sorted(headers, key=lambda h: (count[str(h)], str(h)))
    return by_use[len(by_use) // 2] if by_use else None


def build(preset, jobs):
    """Builds and gives (seconds, number of steps run)."""
    begin = time.monotonic()
    done = subprocess.run(["cmake", "--build", "--preset", preset, "-j", str(jobs)], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-4000:] + done.stderr[-4000:])
        sys.exit("incremental: the build failed")
    return time.monotonic() - begin, sum(line.startswith("[") for line in done.stdout.splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="dev")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    subprocess.run(["cmake", "--preset", args.preset], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    build(args.preset, args.jobs)
    count = dependants()
    slow = []
    for folder in LAYERS:
        header = median_header(folder, count)
        if header is None:
            continue
        os.utime(ROOT / header)
        seconds, steps = build(args.preset, args.jobs)
        print(f"{seconds:6.1f} s {steps:4} steps  {header}", flush=True)
        if seconds > SECONDS_MAX:
            slow.append(str(header))
    if slow:
        sys.exit(f"incremental: over {SECONDS_MAX:.0f} s after touching {', '.join(slow)}")


main()
