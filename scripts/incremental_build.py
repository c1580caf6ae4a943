#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Touches one header of each folder and times the rebuild; fails where one takes over 30 s.

The header taken is the median one by the number of files that include it, so that the figure is
that of a usual change: neither the header nobody includes nor the one everybody does.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

from checklib import CPP, LAYERS, files_under, read

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS_MAX = 30.0


def median_header(folder, texts):
    headers = [h for h in files_under(ROOT, [folder], [".hpp"]) if "detail" not in h.parts]
    by_users = sorted(headers, key=lambda h: (sum(f'#include "{h}"' in text for text in texts), str(h)))
    return by_users[len(by_users) // 2] if by_users else None


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
    texts = [read(ROOT, f) for f in files_under(ROOT, LAYERS + ["tests", "bench"], CPP)]
    slow = []
    for folder in LAYERS:
        header = median_header(folder, texts)
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
