#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks how a built program is linked.

--static-pie: no shared library is needed and the program is position independent (what makes the
command line tool start fast). --needs NAME: the shared library NAME is needed, so an option that
asks for it really has an effect.
"""
import argparse
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--static-pie", action="store_true")
    parser.add_argument("--needs", metavar="NAME")
    parser.add_argument("program")
    args = parser.parse_args()
    told = subprocess.run(["llvm-readelf-19", "-h", "-d", args.program], capture_output=True, text=True, check=True).stdout
    needed = [line.split("[")[1].rstrip("]") for line in told.splitlines() if "(NEEDED)" in line]
    problems = []
    if args.static_pie and needed:
        problems.append(f"needs shared libraries: {', '.join(needed)}")
    if args.static_pie and "DYN" not in told:
        problems.append("is not position independent")
    if args.needs and not any(args.needs in name for name in needed):
        problems.append(f"does not need {args.needs}, only {', '.join(needed)}")
    for problem in problems:
        print(f"{args.program}: {problem}")
    sys.exit(1 if problems else 0)


main()
